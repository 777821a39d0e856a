"""People who use the pages: each has a browser of their own and comes in as a person does."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.e2e.looks import WIDE, Looks
from tests.e2e.service import Service, totp

READY_MS = 90_000


def press(page: Page, name: str) -> None:
    """Clicks the button of exactly that name."""
    page.get_by_role("button", name=name, exact=True).click()


@dataclass
class Person:
    """Somebody with a page open, a password and an authenticator."""

    email: str
    password: str
    secret: str
    page: Page
    address: str

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def sign_in(self, offset: int = 0) -> None:
        """With the authenticator's code `offset` steps from now: each is good once."""
        page = self.go("/sign-in")
        page.get_by_label("Email address").fill(self.email)
        page.get_by_label("Password").fill(self.password)
        page.get_by_label("Six-digit code").fill(totp(self.secret, offset))
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()


@dataclass
class Cast:
    """Lets people come in by page alone."""

    browser: Browser
    service: Service
    looks: Looks

    def new_page(self) -> Page:
        page = self.browser.new_context(viewport=WIDE, locale="en-GB").new_page()  # type: ignore[arg-type]
        page.set_default_timeout(15_000)
        self.looks.watch(page)
        return page

    def enter(self, email: str, code: str, *, partner: bool = False, look: str = "") -> Person:
        """Activates the account and signs in; with `look` every step is looked at."""
        page, address = self.new_page(), self.service.partner if partner else self.service.staff
        password = "-".join(secrets.token_hex(3) for _ in range(4))
        page.goto(f"{address}/activate")
        self._look(page, look and "activate")
        page.get_by_label("Email address").fill(email)
        page.get_by_label("One-time code").fill(code)
        page.get_by_label("Choose a password").fill(password)
        page.get_by_role("button", name="Continue").click()
        secret = page.locator("#totp-secret").inner_text()
        expect(page.get_by_role("img", name="QR code")).to_be_visible()
        self._look(page, look and "authenticator")
        page.get_by_label("Type your new password again").fill(password)
        page.get_by_label("Six-digit code").fill(totp(secret, -1))
        page.get_by_role("button", name="Open my account").click()
        expect(page.get_by_role("heading", name="Your account is open")).to_be_visible()
        self._look(page, look and "activated")
        person = Person(email, password, secret, page, address)
        page.goto(f"{address}/sign-in")
        self._look(page, look and "sign-in")
        person.sign_in()
        return person

    def invite(self, administrator: Person, name: str, email: str, organisation: str, role: str) -> Person:
        """The administrator adds a person by page and hands over the code."""
        page = administrator.go("/people")
        page.get_by_label("Full name").fill(name)
        page.get_by_label("Email address").fill(email)
        page.get_by_label("Organisation").select_option(label=organisation)
        page.get_by_label(role, exact=True).check()
        page.get_by_role("button", name="Add person").click()
        code = page.locator("#activation-code").inner_text()
        return self.enter(email, code, partner=role == "Partner engineer")

    def command_line(self, person: Person) -> Path:
        """`cordon login` for a person; returns the credentials file."""
        folder = self.service.folder / person.email
        folder.mkdir(mode=0o700)
        credentials = folder / "credentials.json"
        login = ("login", "--server", person.address, "--email", person.email, "--credentials", credentials)
        self.service.command(*login, CORDON_PASSWORD=person.password, CORDON_TOTP=totp(person.secret, 1))
        return credentials

    def _look(self, page: Page, name: str) -> None:
        if name:
            self.looks.at(page, name)
