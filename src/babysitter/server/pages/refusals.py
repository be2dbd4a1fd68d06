"""What somebody gets whom a use case refused: a page where they looked at pages, else the API's object."""

from urllib.parse import quote, urlencode

from babysitter.model.errors import BabysitterError
from babysitter.server.exchange import Asked, Reply, refusal, status_of
from babysitter.server.pages.rendering import problem

_HEADINGS = {400: "That is not right", 401: "Sign in", 403: "Not yours to see or do", 404: "Nothing here"}


def told(asked: Asked, error: BabysitterError) -> Reply:
    """Return the reply that tells of an error."""
    wants_page = "text/html" in asked.headers.get("accept", "") and not asked.path.startswith("/api/")
    if not wants_page:
        return refusal(error)
    status = status_of(error)
    if status == 401 and asked.method == "GET":
        # After signing in the reader comes back to where they were going.
        to = f"{asked.path}?{urlencode(asked.query)}" if asked.query else asked.path
        return Reply(status=303, headers={"Location": f"/sign-in?to={quote(to, safe='')}"})
    heading = _HEADINGS.get(status, "This could not be done")
    return problem(asked, status=status, heading=heading, message=error.message, hint=error.hint)
