"""What crosses the wire: shape only. Events in `cloudevents`, REST in `resources`."""
