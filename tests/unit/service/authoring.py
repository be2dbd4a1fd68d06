"""The smallest process, as text: the one place that says where ``@process`` is imported from."""

PROCESS = """
from babysitter import Context, process


@process
async def main(ctx: Context) -> int:
    return 1
"""
