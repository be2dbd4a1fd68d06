"""A run whose secrets stand in a file and behind secretspec."""

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.authoring.tasks import task
from babysitter.model.secret import Secret, secret
from babysitter.model.values import Json


@task
def use(one: Secret, two: Secret) -> Json:
    """Give back what came in."""
    return [one.reveal(), two.reveal()]


@process
async def vaulted(ctx: Context) -> Json:
    """Hand both to a task."""
    return await ctx.task(use, one=secret("file:own.env#TOKEN"), two=secret("team:API_KEY"))
