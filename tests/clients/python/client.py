"""The three generations of the Python SDK: every call of a file, then flush.

Arguments: the server's URL, a write key, a file of calls, and `gzip` if bodies are to be compressed.
Prints each message as the SDK built it, in the order of the file.
"""

import json
import sys
from datetime import datetime

try:
    from segment.analytics import Client
except ImportError:  # analytics-python, before its new name
    from analytics import Client

KEYWORDS = {
    "userId": "user_id",
    "anonymousId": "anonymous_id",
    "groupId": "group_id",
    "previousId": "previous_id",
    "messageId": "message_id",
}


def keywords(call):
    """The call as keyword arguments of the SDK's method of that type."""
    arguments = {KEYWORDS.get(key, key): value for key, value in call.items() if key != "type"}
    if "timestamp" in arguments:
        arguments["timestamp"] = datetime.fromisoformat(arguments["timestamp"].replace("Z", "+00:00"))
    return arguments


def main():
    url, write_key, calls_file, *options = sys.argv[1:]
    failures = []
    client = Client(
        write_key,
        host=url,
        gzip="gzip" in options,
        upload_size=5,
        on_error=lambda error, batch: failures.append(error),
    )
    messages = []
    with open(calls_file, encoding="utf-8") as file:
        for call in json.load(file):
            accepted, message = getattr(client, call["type"])(**keywords(call))
            if not accepted:
                failures.append(f"refused by the SDK: {message}")
            messages.append(message)
    client.flush()
    client.join()
    for message in messages:
        print(json.dumps(message))
    if failures:
        sys.exit(f"the SDK gave up: {failures}")


main()
