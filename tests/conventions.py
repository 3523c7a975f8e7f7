"""Small documents of our own, one for each way in which streams of events are declared."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from sparring.spec.openapi.document import Document, compile_document
from sparring.spec.text.source import parse

_HEAD = """
openapi: 3.1.0
info: {title: A stream, version: '1'}
paths:
  /chats/{chat_id}/messages:
    post:
      operationId: say
      parameters: [{name: chat_id, in: path, required: true, schema: {type: string}}]
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties: {text: {type: string}, stream: {type: boolean}}
      responses: {'200': {description: The reply., content: {}}}
components: {schemas: {}}
"""

# Each: the content of the response, its schemas.
CONVENTIONS: dict[str, str] = {
    "payload": """
content: {text/event-stream: {schema: {$ref: '#/components/schemas/Piece'}}}
schemas:
  Piece:
    type: object
    required: [delta, done]
    additionalProperties: false
    properties: {delta: {type: string}, done: {type: boolean}}
""",
    "text": """
content: {text/event-stream: {schema: {type: string}}}
""",
    "event with an object": """
content: {text/event-stream: {schema: {$ref: '#/components/schemas/Event'}}}
schemas:
  Event:
    oneOf: [{$ref: '#/components/schemas/Token'}, {$ref: '#/components/schemas/End'},
            {$ref: '#/components/schemas/Failure'}]
    discriminator:
      propertyName: event
      mapping: {token: '#/components/schemas/Token', end: '#/components/schemas/End'}
  Token:
    type: object
    required: [event, data]
    properties:
      event: {const: token}
      data:
        type: object
        required: [text, message_id]
        properties: {text: {type: string}, message_id: {type: string}}
        additionalProperties: false
  End:
    type: object
    required: [event, data]
    properties:
      event: {type: string, enum: [end]}
      data:
        type: object
        required: [finish_reason, took_ms]
        properties:
          finish_reason: {enum: [complete, cut]}
          took_ms: {type: integer, minimum: 1}
  Failure:
    type: object
    required: [event, data]
    properties:
      event: {const: error}
      data: {type: object, required: [message], properties: {message: {type: string}}}
""",
    "event with content": """
content: {text/event-stream: {schema: {$ref: '#/components/schemas/Event'}}}
schemas:
  Event:
    type: object
    required: [event, data]
    properties: {event: {type: string}, id: {type: string}, data: {type: string}}
    oneOf:
      - properties:
          event: {const: reply.delta}
          data:
            contentMediaType: application/json
            contentSchema:
              type: object
              required: [content, index]
              properties: {content: {type: string}, index: {type: integer}}
      - properties:
          event: {const: reply.done}
          data:
            contentMediaType: application/json
            contentSchema:
              type: object
              required: [message]
              properties: {message: {$ref: '#/components/schemas/Message'}}
  Message:
    type: object
    required: [id, role, content, created_at]
    properties:
      id: {type: string}
      role: {enum: [human, assistant]}
      content: {type: string}
      created_at: {type: string, format: date-time}
""",
    "itemSchema": """
content:
  text/event-stream:
    itemSchema:
      type: object
      required: [data]
      properties: {event: {type: string}, data: {type: string}, id: {type: string}}
      oneOf:
        - properties:
            event: {const: chunk}
            data:
              contentMediaType: application/json
              contentSchema: {$ref: '#/components/schemas/Chunk'}
        - properties: {event: {const: done}, data: {const: '[DONE]'}}
schemas:
  Chunk:
    type: object
    required: [choices]
    properties:
      choices:
        type: array
        minItems: 1
        items:
          type: object
          required: [index, delta]
          properties:
            index: {type: integer}
            delta: {type: object, properties: {content: {type: string}}}
""",
    "nothing": """
content: {text/event-stream: {}}
""",
    "tagged payload": """
content: {text/event-stream: {schema: {$ref: '#/components/schemas/Event'}}}
schemas:
  Event:
    anyOf: [{$ref: '#/components/schemas/BlockStart'}, {$ref: '#/components/schemas/BlockDelta'},
            {$ref: '#/components/schemas/MessageStop'}, {$ref: '#/components/schemas/Ping'}]
  BlockStart:
    type: object
    required: [type, index]
    properties: {type: {const: block_start}, index: {type: integer}}
  BlockDelta:
    type: object
    required: [type, index, delta]
    properties:
      type: {const: block_delta}
      index: {type: integer}
      delta:
        anyOf:
          - type: object
            required: [type, partial_json]
            properties: {type: {const: json_delta}, partial_json: {type: string}}
          - type: object
            required: [type, text]
            properties: {type: {const: text_delta}, text: {type: string}}
  MessageStop: {type: object, required: [type], properties: {type: {const: message_stop}}}
  Ping: {type: object, required: [type], properties: {type: {const: ping}}}
""",
    "payload with a word for its end": """
content:
  text/event-stream:
    schema: {$ref: '#/components/schemas/Part'}
    x-stream-sentinel: '[END]'
schemas:
  Part:
    type: object
    required: [answer, conversation_id]
    properties: {answer: {type: string}, conversation_id: {type: string}}
""",
    "one object with an enum": """
content: {text/event-stream: {schema: {$ref: '#/components/schemas/Event'}}}
schemas:
  Event:
    type: object
    required: [kind]
    properties:
      kind: {type: string, enum: [token, tool_call, tool_result, error, finished]}
      content: {type: [string, 'null']}
      name: {type: string}
      arguments: {type: object}
""",
    "lines": """
content: {application/x-ndjson: {schema: {$ref: '#/components/schemas/Line'}}}
schemas:
  Line:
    oneOf:
      - {type: object, required: [type, value],
         properties: {type: {const: text_chunk}, value: {type: string}}}
      - {type: object, required: [type, reason],
         properties: {type: {const: completed}, reason: {type: string}}}
""",
    "a sequence of items": """
content: {application/json-seq: {itemSchema: {$ref: '#/components/schemas/Line'}}}
schemas:
  Line:
    oneOf:
      - {type: object, required: [op, token],
         properties: {op: {const: append}, token: {type: string}}}
      - {type: object, required: [op], properties: {op: {const: close}}}
""",
    "an array of events": """
content:
  text/event-stream:
    schema:
      type: array
      items:
        type: object
        required: [event, data]
        properties:
          event: {type: string, enum: [delta, complete]}
          data: {type: object, required: [text], properties: {text: {type: string}}}
""",
    "an envelope": """
content: {text/event-stream: {schema: {$ref: '#/components/schemas/Envelope'}}}
schemas:
  Envelope:
    type: object
    required: [version, seq, payload]
    properties:
      version: {const: '2'}
      seq: {type: integer}
      payload:
        oneOf: [{$ref: '#/components/schemas/Thought'}, {$ref: '#/components/schemas/Token'},
                {$ref: '#/components/schemas/TurnEnded'}]
  Thought:
    type: object
    required: [kind, text]
    properties: {kind: {const: thought}, text: {type: string}}
  Token:
    type: object
    required: [kind, text]
    properties: {kind: {const: token}, text: {type: string}}
  TurnEnded:
    type: object
    required: [kind, usage]
    properties: {kind: {const: turn_ended}, usage: {type: object}}
""",
    "names and text": """
content: {text/event-stream: {schema: {$ref: '#/components/schemas/Event'}}}
schemas:
  Event:
    type: object
    required: [event, data]
    properties:
      event: {type: string, enum: [token, error, end]}
      data: {type: string}
""",
    "names in words": """
content: {text/event-stream: {schema: {type: string}}}
description: 'Sends `text.delta` events, then a `done` or an `error` event.'
""",
    "a schema in words": """
content:
  text/event-stream:
    schema:
      type: string
      description: Each event has the JSON of a ReplyEvent in its data.
schemas:
  ReplyEvent:
    oneOf:
      - {type: object, required: [kind, piece],
         properties: {kind: {const: partial}, piece: {type: string}}}
      - {type: object, required: [kind], properties: {kind: {const: finished}}}
""",
    "data alone": """
content:
  text/event-stream:
    schema:
      type: object
      required: [data]
      properties:
        data:
          type: object
          required: [token, finish_reason]
          properties:
            token: {type: string, description: The next token.}
            finish_reason: {anyOf: [{enum: [stop, length]}, {type: 'null'}]}
    x-sse-terminator: '[END]'
""",
    "whole messages": """
content: {text/event-stream: {schema: {$ref: '#/components/schemas/Event'}}}
schemas:
  Event:
    oneOf: [{$ref: '#/components/schemas/AssistantMessage'}, {$ref: '#/components/schemas/Status'},
            {$ref: '#/components/schemas/RunFinished'}]
    discriminator: {propertyName: message_type}
  AssistantMessage:
    type: object
    required: [message_type, id, content]
    properties:
      message_type: {const: assistant_message}
      id: {type: string}
      content: {anyOf: [{type: array, items: {type: object}}, {type: string}]}
      run_id: {type: string, format: uuid}
  Status:
    type: object
    required: [message_type, status]
    properties: {message_type: {const: status}, status: {enum: [working, waiting]}}
  RunFinished:
    type: object
    required: [message_type]
    properties: {message_type: {const: run_finished}}
""",
    "JSON alone": """
content:
  application/json:
    schema:
      oneOf:
        - {$ref: '#/components/schemas/Reply'}
        - {$ref: '#/components/schemas/ReplyChunk'}
description: 'With `stream`, server-sent events, closed by `data: [DONE]`.'
schemas:
  Reply: {type: object, required: [text], properties: {text: {type: string}}}
  ReplyChunk:
    type: object
    required: [object, text]
    properties: {object: {const: reply.chunk}, text: {type: string}}
""",
}


_CREATE = """
post:
  operationId: create
  x-session: {role: session.create}
  responses:
    '201':
      description: The chat.
      content:
        application/json:
          schema: {type: object, required: [id], properties: {id: {type: string}}}
"""


def document(convention: str, *, with_roles: bool = False) -> Document:
    """The document of a convention; `with_roles` it says what its operations mean."""
    said = yaml.safe_load(CONVENTIONS[convention])
    tree: dict[str, Any] = copy.deepcopy(yaml.safe_load(_HEAD))
    operation = tree["paths"]["/chats/{chat_id}/messages"]["post"]
    operation["responses"]["200"]["content"] = said["content"]
    operation["description"] = said.get("description", "")
    if with_roles:
        operation["x-session"] = {"role": "message.create", "input": "/text"}
        operation["x-session"]["reply"] = {"via": "sse"}
        tree["paths"]["/chats"] = yaml.safe_load(_CREATE)
    tree["components"]["schemas"] = said.get("schemas", {})
    return compile_document(parse(yaml.safe_dump(tree).encode(), f"{convention}.yaml"))
