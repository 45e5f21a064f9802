from urllib.parse import urlencode

import pytest
from onhand.access.services import RoleAt
from onhand.enablement import Change
from shell_site import PASSWORD, Site, post


def enable(site: Site, *nouns: str, entity: int | None = None) -> None:
    site.change(*(Change(entity or site.north, noun, "enabled") for noun in nouns))


def test_a_visitor_is_asked_to_sign_in_and_comes_home(site: Site) -> None:
    client = site.browser()
    assert client.get("/").location == "/login"
    site.user("ann", RoleAt("clerk", site.north))
    answer = post(client, "/login", username="ann", password=PASSWORD)
    assert answer.location == "/"
    page = client.get("/").text
    assert "North Shops" in page
    assert "Account: Ann" in page


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/\tx"])
def test_signing_in_never_leads_to_another_site(site: Site, elsewhere: str) -> None:
    site.user("ann", RoleAt("clerk", site.north))
    client = site.browser()
    asked = f"/login?{urlencode({'next': elsewhere})}"
    assert post(client, asked, username="ann", password=PASSWORD).location == "/"


def test_the_page_kept_in_next_is_where_one_lands(site: Site) -> None:
    enable(site, "shelf")
    site.user("ann", RoleAt("clerk", site.north))
    client = site.browser()
    asked = client.get("/shelf/?q=S1").location
    assert post(client, asked, username="ann", password=PASSWORD).location == "/shelf/?q=S1"


def test_the_menu_shows_what_is_enabled_here_and_allowed(site: Site) -> None:
    enable(site, "shelf")
    client = site.browser("ann", RoleAt("clerk", site.north), RoleAt("clerk", site.south))
    assert "Shelves</span></a>" in client.get("/").text
    assert 'href="/apps"' not in client.get("/").text
    assert post(client, "/entity", "/", entity=site.south).status_code == 303
    page = client.get("/").text
    assert "Shelves</span></a>" not in page
    assert f'<option value="{site.south}" selected>' in page


def test_the_current_page_is_marked_in_the_menu(site: Site) -> None:
    enable(site, "shelf")
    client = site.browser("ann", RoleAt("clerk", site.north))
    assert 'href="/shelf/" aria-current="page"' in client.get("/shelf/").text


def test_moments_are_written_on_the_clock_of_the_entity(site: Site) -> None:
    enable(site, "shelf")
    client = site.browser("ann", RoleAt("clerk", site.north))
    assert "6 Jan" in client.get("/shelf/").text, "23:30 UTC on the 5th is the 6th in Tokyo"


def test_nobody_switches_to_an_entity_out_of_reach(site: Site) -> None:
    client = site.browser("ann", RoleAt("clerk", site.north), RoleAt("clerk", site.south))
    for wrong in ("999999", "-1", "x", "", "1 OR 1=1", "²"):
        assert post(client, "/entity", "/", entity=wrong).status_code == 404
    other = site.browser("bob", RoleAt("clerk", site.north))
    assert post(other, "/entity", "/", entity=site.south).status_code == 404


def test_a_form_without_its_token_is_refused(site: Site) -> None:
    client = site.browser("ann", RoleAt("clerk", site.north))
    assert client.post("/entity", data={"entity": site.north}).status_code == 400
    assert client.post("/logout").status_code == 400
    assert "Account: Ann" in client.get("/").text


def test_tiles_show_only_what_the_person_may_read(site: Site) -> None:
    enable(site, "shelf", "till")
    everything = site.browser("ann", RoleAt("clerk", site.north)).get("/").text
    assert f"of entity {site.north}" in everything
    assert "Takings" in everything
    less = site.browser("bob", RoleAt("shelver", site.north)).get("/").text
    assert f"of entity {site.north}" in less
    assert "Takings" not in less


def test_an_empty_home_tells_who_can_change_it(site: Site) -> None:
    assert "Open Apps" in site.browser("ann", RoleAt("admin", site.north)).get("/").text
    page = site.browser("bob", RoleAt("clerk", site.north)).get("/").text
    assert "Open Apps" not in page
    assert "An administrator can change both" in page


def test_signing_out_ends_at_the_login_page(site: Site) -> None:
    client = site.browser("ann", RoleAt("clerk", site.north))
    answer = post(client, "/logout", "/")
    assert answer.location == "/login"
    page = client.get("/login").text
    assert "You are signed out." in page
    assert "Account:" not in page


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/nowhere", 404, "switch at the top"),
        ("/apps", 403, "onhand.administer"),
        ("/shelf/broken", 500, "Nothing was changed"),
    ],
)
def test_an_error_page_says_what_to_do_next(site: Site, path: str, status: int, says: str) -> None:
    enable(site, "shelf")
    client = site.browser("ann", RoleAt("clerk", site.north))
    answer = client.get(path)
    assert answer.status_code == status
    assert says in answer.text
    assert "must not be told" not in answer.text
    assert answer.mimetype == "text/html"


def test_pages_of_an_addon_that_is_off_are_not_found(site: Site) -> None:
    client = site.browser("ann", RoleAt("clerk", site.north))
    assert client.get("/shelf/").status_code == 404
