"""Why nobody was asked, or no answer came."""

from typing import Literal

Reason = Literal["address", "plain", "private", "certificate", "away", "long"]
"""Why there is no answer.

address: it is none that may be asked. plain: it would be asked without TLS. private: it leads to where
callers for others do not go. certificate: whoever answers can't show that it is who was asked.
away: nobody answers, not in time, or not in HTTP. long: the answer is longer than it may be.
"""


class UnreachableError(Exception):
    """No answer came; the text says why, as the end of a sentence that begins with the address.

    Nothing of what the other side sent, and nothing of the address, is in the text.
    """

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
