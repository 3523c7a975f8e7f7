"""The agent: what it answers, and in which pieces."""

import re

MOST_WORDS = 40
LONGEST_WORD = 40


def reply_to(text: str) -> str:
    words = [word[:LONGEST_WORD] for word in text.split()[:MOST_WORDS]]
    return f"Ja, you said “{' '.join(words)}”, and that is a fine question to ask in a café ☕ 🙂."


def pieces_of(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)


def suggestions_after(text: str) -> list[str]:
    topic = " ".join(text.split()[:5])[:60]
    return [f"Tell me more about “{topic}”.", f"And what is not “{topic}”?"]


def tokens_in(text: str) -> int:
    return len(text.split())
