from onhand.contributions import Permission
from onhand.hooks import hookimpl

from onhand_sample import jobs, services, views


@hookimpl
def permissions():
    return [Permission("sample.read", "See things"), Permission("sample.edit", "Change things")]


@hookimpl
def blueprints():
    return [views.sample, views.sample_api]


@hookimpl
def actors():
    return [jobs.look_again]


@hookimpl
def exceptions_raised(session, event, now):
    services.note(session, event.entity_id, [cause.key for cause in event.causes])
