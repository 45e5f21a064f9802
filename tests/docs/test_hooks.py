"""No hook ships without a user: a place nobody builds on is a promise for nothing."""

from onhand.addons import Addons, discover


def test_every_hook_has_a_user() -> None:
    hooks = vars(Addons(discover()).manager.hook)
    offered = {name: caller for name, caller in hooks.items() if getattr(caller, "spec", None) is not None}
    assert offered
    assert [name for name, caller in offered.items() if not caller.get_hookimpls()] == []


def test_every_kind_of_exception_has_a_service_level_in_hours() -> None:
    addons = Addons(discover())
    named = {kind.name: kind.hours_policy for kind in addons.gather("exception_kinds") if kind.hours_policy}
    hours = {name for name, policy in addons.policy_types.items() if policy.type is int and policy.unit == "hours"}
    assert {kind for kind, policy in named.items() if policy not in hours} == set()
    assert "exceptions.service_hours" in hours, "what kinds without one of their own go by"
