"""The page that says what went wrong and what to do next."""

from flask import Response, g, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from onhand.problems import Problem
from onhand.web.shell import Shell

__all__ = ["error_page"]

NEXT_STEPS = {
    400: "Go back, load the page again and repeat what you did.",
    401: "Sign in and try again.",
    403: "If your work needs it, ask an administrator for the permission.",
    404: "It may belong to another entity: switch at the top. Or its add-on is not enabled here.",
    405: "Go back and use the buttons of the page.",
    409: "Load the page again: someone may have been faster.",
    413: "Send a smaller file, or split it.",
    422: "Go back and mend what is named above.",
    429: "Wait a moment, then try again.",
    500: "Nothing was changed. Try again; if it happens again, tell your administrator the reference.",
    503: "Nothing was changed. It is usually over within seconds: try again.",
}
TRY_AGAIN = frozenset({429, 500, 503})


def error_page(problem: Problem, reference: str | None = None) -> Response:
    """Return the page for a problem, whatever is broken: without the database it is drawn without the menu."""
    if problem.status >= 500:
        # The shell asks the database; what failed once is not asked again while a person waits.
        Shell.bare()
    context = {
        "status": problem.status,
        "title": problem.title,
        "detail": problem.detail,
        "errors": problem.errors,
        "next_step": NEXT_STEPS.get(problem.status, NEXT_STEPS[500] if problem.status >= 500 else NEXT_STEPS[400]),
        "retry": request.full_path.rstrip("?") if problem.status in TRY_AGAIN and request.method == "GET" else None,
        "reference": reference if problem.status >= 500 else None,
    }
    try:
        body = render_template("onhand/error.html", **context)
    except (SQLAlchemyError, Problem):
        g.onhand_shell = Shell()
        body = render_template("onhand/error.html", **context)
    response = make_response(body, problem.status)
    response.headers.extend(problem.headers)
    return response
