"""Signing in and out, activating an account, and where each person starts."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request
from werkzeug.wrappers import Response

from app.accounts.identity_loader import attempt, begin_session, end_session
from app.accounts.schemas import ActivationConfirmSchema, ActivationSchema
from app.accounts.service import activate, confirm_activation
from app.authz.gate import public, requires
from app.authz.permissions import Permission
from app.core.errors import DomainError
from app.core.http import current_identity, resource, transaction
from app.settings import Settings
from app.web.forms import Form, read_form
from app.web.navigation import items_for
from app.web.qr import qr_svg

pages = Blueprint("session", __name__)
Answer = Response | str | tuple[str, int]


@pages.get("/")
@public("sends people to their first screen or to sign in; shows nothing itself")
def home() -> Response:
    """Everyone starts on the first screen of their menu."""
    identity = current_identity()
    if not identity.authenticated:
        return redirect("/sign-in")
    menu = items_for(identity, current_app.config["CORDON_SURFACE"])
    return redirect(menu[0].href if menu else "/account")


@pages.get("/sign-in")
@public("this is how people come in")
def sign_in() -> Answer:
    if current_identity().authenticated:
        return redirect("/")
    return render_template("pages/sign_in.html", form=Form(), next=request.args.get("next", ""))


@pages.post("/sign-in")
@public("this is how people come in")
def sign_in_post() -> Answer:
    from app.web.shell import local_path

    email = request.form.get("email", "").strip()
    form = Form({"email": email})
    back = request.form.get("next", "")
    with form.catching():
        begin_session(email, request.form.get("password", ""), request.form.get("totp", "").replace(" ", ""))
    if form.ok:
        return redirect(local_path(back))
    return render_template("pages/sign_in.html", form=form, next=back), 422


@pages.post("/sign-out")
@requires(Permission.SELF)
def sign_out() -> Response:
    end_session()
    return redirect("/sign-in")


@pages.get("/activate")
@public("a new person has no password yet; the one-time code is what counts")
def activation() -> Answer:
    return render_template("pages/activate.html", form=Form())


@pages.post("/activate")
@public("a new person has no password yet; the one-time code is what counts")
def activation_post() -> Answer:
    """First half: code and password; answers with the authenticator's secret as QR code and text."""
    form, data = read_form(ActivationSchema)
    if form.ok:
        with form.catching(), attempt(DomainError), transaction() as db:
            setup = activate(db, secret_key=resource(Settings).secret_key, **data)
        if form.ok:
            return render_template(
                "pages/authenticator.html", form=form, setup=setup, qr=qr_svg(setup.otpauth_uri)
            )
    return render_template("pages/activate.html", form=form), 422


@pages.post("/activate/confirm")
@public("a new person has no password yet; the one-time code is what counts")
def activation_confirm() -> Answer:
    """Second half: a code from the authenticator opens the account."""
    form, data = read_form(ActivationConfirmSchema)
    if form.ok:
        with form.catching(), attempt(DomainError), transaction() as db:
            data["totp_code"] = data.pop("totp")
            confirm_activation(db, secret_key=resource(Settings).secret_key, **data)
        if form.ok:
            return render_template("pages/activated.html")
    return render_template("pages/authenticator.html", form=form, setup=None, qr=""), 422
