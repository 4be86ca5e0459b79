"""Tags, of whatever carries them."""


def clean_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Trimmed, lower-cased, distinct, sorted, none empty. PostHog: tagify, set_tags_on_object."""
    return tuple(sorted({tag.strip().lower() for tag in tags} - {""}))
