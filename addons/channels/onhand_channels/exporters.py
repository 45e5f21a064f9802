"""What `onhand export` writes of channels, in the columns that import takes."""

from onhand.contributions import Exporter

__all__ = ["CHANNELS"]

CHANNELS = Exporter(
    "channels",
    "live channels: code, name, kind, entity, locations in their order",
    """
    SELECT c.code, c.name, c.kind, e.code AS entity,
      (SELECT string_agg(l.code, '|' ORDER BY s.position) FROM channels.channel_location s
         JOIN master_data.location l ON l.id = s.location_id WHERE s.channel_id = c.id) AS locations
    FROM channels.channel c JOIN onhand.entity e ON e.id = c.entity_id WHERE c.state = 'live' ORDER BY c.code
    """,
)
