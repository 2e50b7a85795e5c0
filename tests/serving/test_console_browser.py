"""The console in a real browser: what an auditor does, on a desk and on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="install playwright: pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync", "--no-first-run"]
PASSWORD = "correct horse battery"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="install Chromium: apt-get install chromium fonts-noto-cjk"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, place) -> Iterator[object]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", base_url=place.url)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def sign_in(page, name: str = "auditor") -> None:
    page.goto("/")
    page.get_by_label("Account").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console/")


def test_an_auditor_reads_claims_and_closes_a_case_and_changes_the_language(page) -> None:
    sign_in(page)
    rows = page.locator("tbody tr")
    assert rows.count() == 3
    assert "H1" in rows.first.inner_text(), "alerts come first"
    rows.first.get_by_role("link").click()

    reason = page.locator(".reason").first
    assert "23.5 times the median (1.5) of 812 peers" in reason.inner_text()
    assert reason.locator("svg.strip circle").count() == 1
    reason.get_by_text("The rows behind").click()
    assert reason.get_by_role("cell", name="C10", exact=True).is_visible()
    widths = page.locator(".reason svg.bar rect").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().width)"
    )
    assert widths[0] > widths[1] > widths[3] > 0

    page.get_by_role("button", name="sign in").click()
    assert page.get_by_role("status").inner_text().startswith("Done")
    page.locator(".moves summary", has_text="close").click()
    form = page.locator("form", has=page.get_by_label("Outcome"))
    form.get_by_label("Outcome").select_option("confirmed")
    form.get_by_label("Reason").fill("Stock records do not cover what was billed.")
    form.get_by_label("Amount found").fill("120000.50")
    form.get_by_role("button").click()
    assert page.locator(".tag", has_text="confirmed").first.is_visible()
    assert "Stock records do not cover" in page.locator(".timeline").inner_text()

    page.get_by_role("button", name="中文").click()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.locator(".tag", has_text="查实").first.is_visible()
    page.get_by_role("link", name="返回办件列表").click()
    assert page.locator("tbody tr").count() == 2


def test_names_from_the_data_are_text_and_never_markup(page) -> None:
    sign_in(page)
    assert page.locator("tbody b").count() == 0
    assert page.get_by_text("<b>H2</b>").is_visible()


def test_every_page_fits_a_phone_and_loads_nothing_from_elsewhere(page, place) -> None:
    elsewhere: list[str] = []
    broken: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(place.url) else elsewhere.append(request.url))
    page.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
    sign_in(page, "supervisor")
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/console/", "/console/cases/1", "/console/monitoring", "/console/catalogue"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert (elsewhere, broken) == ([], [])


def test_every_field_has_a_label_and_the_keyboard_reaches_the_first_case(page) -> None:
    sign_in(page)
    unlabelled = "all => all.filter(one => one.type != 'hidden' && !one.labels.length).length"
    assert page.locator("input, select, textarea").evaluate_all(unlabelled) == 0
    page.goto("/console/cases/1")
    assert page.locator("input, select, textarea").evaluate_all(unlabelled) == 0
    page.goto("/console/")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('title')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/cases/1")


def test_a_viewer_sees_no_button_to_act(page) -> None:
    sign_in(page, "viewer")
    page.goto("/console/cases/1")
    assert page.locator(".moves form").count() == 0


PEOPLES_WORK = {
    "supervisor": (
        "/console/", "/console/cases/1", "/console/notices", "/console/circulars", "/console/lists/problems",
        "/console/lists/duties", "/console/lists/developments", "/console/lists/forecasts", "/console/lists/funnel",
        "/console/lists/board",
        "/console/trail", "/console/suppressions", "/console/raise", "/console/import",
    ),
    "administrator": ("/console/people", "/console/bodies", "/console/policies", "/console/messages"),
}  # fmt: skip


@pytest.mark.parametrize("role", PEOPLES_WORK)
def test_every_page_of_peoples_work_fits_desk_and_phone_in_both_languages(page, role) -> None:
    unlabelled = "all => all.filter(one => one.type != 'hidden' && !one.labels.length).map(one => one.name)"
    page.goto("/")
    page.get_by_label("Account").fill(role)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    for language, width in (("zh", 390), ("en", 1280)):
        page.context.add_cookies([{"name": "gnomon_language", "value": language, "url": page.url}])
        page.set_viewport_size({"width": width, "height": 844})
        for path in PEOPLES_WORK[role]:
            answer = page.goto(path)
            assert answer.status == 200, path
            assert page.locator("html").get_attribute("lang")[:2] == language
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.locator("input, select, textarea").evaluate_all(unlabelled) == [], path


def test_a_case_is_raised_handled_and_given_a_file_without_any_script(browser, place) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="en-GB", base_url=place.url, java_script_enabled=False
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    sign_in(page)
    page.get_by_role("link", name="Raise a case").click()
    page.get_by_label("Title").fill("Road works have stood still for two years")
    page.get_by_label("What is known").fill("Handed from office to office since 2022.")
    page.get_by_label("Scene").select_option("public-works")
    page.get_by_label("Scheme").fill("stalled-project")
    page.get_by_role("button", name="Raise a case").click()
    assert "the case is raised" in page.get_by_role("status").inner_text()
    page.get_by_role("button", name="sign in").click()
    page.locator("#files summary").click()
    page.get_by_label("File").set_input_files({"name": "site.txt", "mimeType": "text/plain", "buffer": b"nobody there"})
    page.locator("#files form button").click()
    assert page.get_by_role("link", name="site.txt").is_visible()
    assert "site.txt" in page.locator(".timeline").inner_text()
    context.close()
