"""Custody over HTTP: papers and decisions of one recording, and lists of what waits."""

from app.custody.routes.decisions import blp as decisions_blueprint
from app.custody.routes.incidents import blp as incidents_blueprint
from app.custody.routes.lists import blp as lists_blueprint
from app.custody.routes.papers import blp as papers_blueprint

blueprints = (papers_blueprint, decisions_blueprint, incidents_blueprint, lists_blueprint)
