"""When a failed attempt is tried again."""

from babysitter.model.effects import RetryPolicy


def retry_delay_s(policy: RetryPolicy, attempt: int, dice: float) -> float | None:
    """Return the pause before the next try, or None when there is no next try.

    Args:
        policy: the task's retry policy.
        attempt: the try that just failed; 1 is the first.
        dice: uniform in [0, 1), recorded in the journal.

    Returns:
        Seconds in [0, policy.delay_s_max), or None.

    Source: Brooker, "Exponential Backoff and Jitter", AWS 2015 ("full jitter").
    """
    if attempt >= policy.attempts:
        return None
    # The exponent is bounded so that a policy of thousands of attempts can't overflow a float.
    ceiling = min(policy.delay_s_max, policy.delay_s * policy.factor ** min(attempt - 1, 64))
    return dice * ceiling
