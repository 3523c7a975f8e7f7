"""The life of a session, lived by the unchanged Julep client: `lifecycle.py BASE_URL API_KEY`.

The Python that has the client runs it. It prints one line of JSON, or the first claim that fails.
"""

import json
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

from julep import Client  # type: ignore[import-not-found]
from julep.api.core import ApiError  # type: ignore[import-not-found]

SITUATION = "You are a friendly guide to the city."
FIRST = [{"role": "user", "content": "What's the weather in SF?"}]
SECOND = [
    {"role": "system", "content": "Answer in one sentence."},
    {"role": "function", "name": "get_weather", "content": '{"temperature": 21, "sky": null}'},
    {
        "role": "user",
        "name": "Ada",
        "content": ' Grüße 👩‍🚀🏳️‍🌈 \n\t<b>"&amp;"</b> \\n {{ name }} 東京 \u202eabc ',
    },
]


class Failed(Exception):
    """A claim that does not hold."""


class Life:
    """One run: its client, the mark that its sessions bear, and what it has seen so far."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self.key = key
        self.client = Client(api_key=key, base_url=base_url)
        self.sessions = self.client.sessions
        self.run = str(uuid4())
        self.claims = 0
        self.messages = 0
        self.suggestions = 0

    def claim(self, sentence: str, holds: bool, seen: object = "") -> None:
        """Count a claim that holds. Raises Failed for one that does not."""
        if not holds:
            raise Failed(f"{sentence}: seen {seen!r}" if seen != "" else sentence)
        self.claims += 1

    def equal(self, sentence: str, seen: object, expected: object) -> None:
        """Claim that two values are equal, and of one type."""
        same = seen == expected and type(seen) is type(expected)
        self.claim(f"{sentence}: expected {expected!r}", same, seen)

    def refused(self, sentence: str, status: int, call: Callable[[], Any]) -> None:
        """Claim that a call is answered with this status."""
        try:
            answer = call()
        except ApiError as error:
            self.equal(sentence, error.status_code, status)
        else:
            raise Failed(f"{sentence}: expected {status}, seen {answer!r}")

    def found(self, **metadata: object) -> set[str]:
        """The ids of this run's sessions that the filter keeps."""
        kept = self.sessions.list(metadata_filter={"run": self.run, **metadata})
        return {session.id for session in kept}

    def live(self) -> None:
        """Go through the whole life."""
        self.keys()
        self.agent, self.user = self.people()
        self.alone, self.guided = self.creation()
        self.reading()
        self.listing()
        self.patching()
        self.overwriting()
        self.talk()
        self.suggesting()
        self.forgetting()
        self.deletion()

    def keys(self) -> None:
        """A wrong key is refused."""
        stranger = Client(api_key=f"{self.key}-wrong", base_url=self.base_url)
        self.refused("a wrong key is refused", 403, stranger.sessions.list)

    def people(self) -> tuple[str, str]:
        """An agent and a user can be created, read, changed and found."""
        mark = {"run": self.run}
        agent = self.client.agents.create(name="Drizzle", about="Knows the weather.", metadata=mark)
        user = self.client.users.create(name="Ada", about="Lives in SF.", metadata=mark)
        seen = self.client.agents.get(agent.id)
        self.equal("the agent's name is read back", seen.name, "Drizzle")
        self.equal("the agent's model is read back", seen.model, "julep-ai/samantha-1-turbo")
        self.client.agents.update(agent_id=agent.id, about="Knows the tides.")
        seen = self.client.agents.get(agent.id)
        self.equal("the agent is changed", seen.about, "Knows the tides.")
        self.equal("the agent keeps what was not changed", seen.name, "Drizzle")
        self.client.users.update(user_id=user.id, name="Ada L.", about="", overwrite=True)
        seen = self.client.users.get(user.id)
        self.equal("the user is changed", (seen.name, seen.about), ("Ada L.", ""))
        agents = [listed.id for listed in self.client.agents.list(metadata_filter=mark)]
        self.equal("the agent is found by its metadata", agents, [agent.id])
        return agent.id, user.id

    def creation(self) -> tuple[Any, Any]:
        """A session can be created without a user and with one."""
        alone = self.sessions.create(
            agent_id=self.agent, metadata={"run": self.run, "db_uuid": "1234", "shelf": 7}
        )
        guided = self.sessions.create(
            agent_id=self.agent,
            user_id=self.user,
            situation=SITUATION,
            metadata={"run": self.run, "db_uuid": 1234},
        )
        self.claim("two sessions have two ids", alone.id != guided.id, alone.id)
        for session in (alone, guided):
            self.equal("an id is a UUID of version 4", UUID(session.id).version, 4)
            self.claim("a creation time has a zone", session.created_at.tzinfo is not None)
        return alone, guided

    def reading(self) -> None:
        """What was created is read back."""
        for made, user, situation in (
            (self.alone, None, None),
            (self.guided, self.user, SITUATION),
        ):
            seen = self.sessions.get(made.id)
            self.equal("the id is read back", seen.id, made.id)
            self.equal("the agent is read back", seen.agent_id, self.agent)
            self.claim(
                "the user is read back, or is a guest",
                seen.user_id and user in (None, seen.user_id),
                seen.user_id,
            )
            self.equal("the situation is read back", seen.situation, situation)
            self.equal("the creation time is read back", seen.created_at, made.created_at)
            self.equal("templates are off", seen.render_templates, False)
            self.equal("there is no summary yet", seen.summary, None)

    def listing(self) -> None:
        """The list is newest first, and its filter exact."""
        alone, guided = self.alone.id, self.guided.id
        ids = [session.id for session in self.sessions.list()]
        self.claim("the list has both sessions", {alone, guided} <= set(ids), ids)
        self.equal("the mark of this run finds both", self.found(), {alone, guided})
        self.equal("a filter keeps a string", self.found(db_uuid="1234"), {alone})
        self.equal("a filter keeps a number", self.found(db_uuid=1234), {guided})
        self.equal("a filter takes several", self.found(db_uuid="1234", shelf=7), {alone})
        self.equal("a string is not a number", self.found(shelf="7"), set())
        self.equal("a part of a string is not the string", self.found(db_uuid="123"), set())
        self.equal("a missing key keeps nothing", self.found(row=2), set())
        mark = {"run": self.run}
        times = [session.created_at for session in self.sessions.list(metadata_filter=mark)]
        self.claim("the list is newest first", descending(times), times)
        pages = [
            session.id
            for offset in (0, 1, 2)
            for session in self.sessions.list(limit=1, offset=offset, metadata_filter=mark)
        ]
        self.equal("pages of one hold each session once", sorted(pages), sorted((alone, guided)))

    def patching(self) -> None:
        """An update changes what it names and leaves the rest."""
        answer = self.sessions.update(session_id=self.alone.id, situation="You tell stories.")
        seen = self.sessions.get(self.alone.id)
        self.equal("an update answers the id", answer.id, self.alone.id)
        self.equal("an update changes the situation", seen.situation, "You tell stories.")
        self.equal("it leaves the metadata", self.found(db_uuid="1234", shelf=7), {self.alone.id})
        self.equal("it leaves the agent", seen.agent_id, self.agent)
        self.equal("it leaves the creation time", seen.created_at, self.alone.created_at)
        self.equal("it answers the update time", whole(answer.updated_at), whole(seen.updated_at))
        created = whole(seen.created_at)
        self.claim("the update is not before the creation", whole(seen.updated_at) >= created)

        self.sessions.update(session_id=self.alone.id, metadata={"shelf": 8, "row": 2})
        seen = self.sessions.get(self.alone.id)
        self.equal("new metadata leaves the situation", seen.situation, "You tell stories.")
        merged = self.found(db_uuid="1234", shelf=8, row=2)
        self.equal("metadata is merged key by key", merged, {self.alone.id})
        self.equal("the old value is gone", self.found(shelf=7), set())

    def overwriting(self) -> None:
        """An update with overwrite replaces."""
        user = self.sessions.get(self.alone.id).user_id
        self.sessions.update(
            session_id=self.alone.id,
            situation="You are brief.",
            metadata={"run": self.run, "row": 3},
            overwrite=True,
        )
        seen = self.sessions.get(self.alone.id)
        self.equal("overwrite replaces the situation", seen.situation, "You are brief.")
        self.equal("overwrite stores the new metadata", self.found(row=3), {self.alone.id})
        self.equal("overwrite drops the other keys", self.found(shelf=8), set())
        self.equal("overwrite leaves the user", seen.user_id, user)
        self.equal("the other session is as it was", self.found(db_uuid=1234), {self.guided.id})

    def talk(self) -> None:
        """What was said stands in the history, word for word and in order."""
        self.equal("a history begins empty", self.sessions.history(session_id=self.guided.id), [])
        expected: list[tuple[str, str, str | None]] = []
        replies = []
        # The client asks for a stream and still reads one JSON body.
        for sent, options in ((FIRST, {}), (SECOND, {"stream": True})):
            answer = self.sessions.chat(session_id=self.guided.id, messages=sent, **options)
            reply = self.reply(answer)
            expected += [(m["role"], m["content"], m.get("name")) for m in sent]
            expected += [(m.role.value, m.content, m.name) for m in reply]
            replies += reply
        history = self.sessions.history(session_id=self.guided.id)
        said = [(m.role.value, m.content, m.name) for m in history]
        self.equal("the history is what was sent and answered", said, expected)
        ids = [message.id for message in history]
        self.equal("every message has its own id", len(set(ids)), len(ids))
        kept = [message.id for message in history if message.role == "assistant"]
        self.equal("a reply has one id everywhere", kept, [message.id for message in replies])
        times = [message.created_at for message in history]
        self.claim("the history is oldest first", descending(reversed(times)), times)
        page = self.sessions.history(session_id=self.guided.id, limit=2, offset=1)
        self.equal("a page of the history is cut from it", [m.id for m in page], ids[1:3])
        silent = self.sessions.history(session_id=self.alone.id)
        self.equal("nothing of it stands in the other session", silent, [])
        self.messages = len(history)

    def reply(self, answer: Any) -> list[Any]:
        """The messages of a chat's answer."""
        self.equal("a chat is done", answer.finish_reason.value, "stop")
        self.claim("a chat is answered", len(answer.response) == 1 and answer.response[0], answer)
        messages = list(answer.response[0])
        for message in messages:
            self.equal("the agent answers", message.role.value, "assistant")
            self.claim("the answer has words", message.content != "")
        usage = answer.usage
        total = usage.prompt_tokens + usage.completion_tokens
        self.equal("the usage adds up", usage.total_tokens, total)
        return messages

    def suggesting(self) -> None:
        """Suggestions belong to the session and to a message of it."""
        suggestions = self.sessions.suggestions(session_id=self.guided.id)
        self.claim("suggestions are a list", isinstance(suggestions, list), suggestions)
        ids = {message.id for message in self.sessions.history(session_id=self.guided.id)}
        for suggestion in suggestions:
            self.equal("it is of this session", suggestion.session_id, self.guided.id)
            self.claim("it follows a message of the history", suggestion.message_id in ids)
            self.claim("it has words", suggestion.content != "")
        times = [suggestion.created_at for suggestion in suggestions]
        self.claim("suggestions are newest first", descending(times), times)
        others = self.sessions.suggestions(session_id=self.alone.id)
        self.equal("where nobody spoke nothing is suggested", others, [])
        self.suggestions = len(suggestions)

    def forgetting(self) -> None:
        """A deleted history is empty; the session stays and can go on."""
        self.sessions.delete_history(self.guided.id)
        history = self.sessions.history(session_id=self.guided.id)
        self.equal("a deleted history is empty", history, [])
        seen = self.sessions.get(self.guided.id)
        self.equal("its session stays", seen.situation, SITUATION)
        answer = self.sessions.chat(session_id=self.guided.id, messages=FIRST)
        said = [m.content for m in self.sessions.history(session_id=self.guided.id)]
        begun = [FIRST[0]["content"], *(m.content for m in self.reply(answer))]
        self.equal("a new history begins", said, begun)

    def deletion(self) -> None:
        """What was deleted is gone, and only that."""
        self.sessions.delete(self.alone.id)
        self.refused("a deleted session is gone", 404, lambda: self.sessions.get(self.alone.id))
        self.equal("it is gone from the list", self.found(), {self.guided.id})
        self.equal("the other stays", self.sessions.get(self.guided.id).id, self.guided.id)
        self.sessions.delete(self.guided.id)
        self.refused(
            "nobody can talk in a deleted session",
            404,
            lambda: self.sessions.chat(session_id=self.guided.id, messages=FIRST),
        )
        self.equal("the list is empty again", self.found(), set())
        users, agents = self.client.users, self.client.agents
        users.delete(self.user)
        agents.delete(self.agent)
        self.refused("a deleted user is gone", 404, lambda: users.get(self.user))
        self.refused("a deleted agent is gone", 404, lambda: agents.get(self.agent))

    def summary(self) -> dict[str, object]:
        """What the last line says."""
        return {
            "client": f"julep {version('julep')}",
            "claims": self.claims,
            "sessions": [self.alone.id, self.guided.id],
            "messages": self.messages,
            "suggestions": self.suggestions,
        }


def whole(time: Any) -> Any:
    """A time without its fraction of a second: update times have none."""
    return time.replace(microsecond=0)


def descending(values: Iterable[Any]) -> bool:
    """Whether no value is greater than the one before it."""
    return all(earlier >= later for earlier, later in pairwise(values))


def main(arguments: list[str]) -> int:
    """Live one life; 0 when every claim held."""
    if len(arguments) != 2:
        sys.stderr.write("usage: lifecycle.py BASE_URL API_KEY\n")
        return 2
    base_url, key = arguments
    life = Life(base_url, key)
    try:
        life.live()
    except Failed as failure:
        sys.stderr.write(f"claim {life.claims + 1} failed: {failure}\n")
        return 1
    except Exception:
        sys.stderr.write(f"after {life.claims} claims:\n")
        raise
    sys.stdout.write(json.dumps(life.summary()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
