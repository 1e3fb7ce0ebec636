"""Each operation of the Calls API in Python. Run one:

    API=http://127.0.0.1:8080 APP=… KEY=… SUBSCRIBER=alice@demo.example NUMBER=+1… ONCE=a1 python3 api.py placeCall

The names in capitals are from the environment."""
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request


def part(name):
    """A value from the environment as a part of a path."""
    return urllib.parse.quote(os.environ[name], safe="")


def request(method, path, body=None, headers=None):
    """A request with the app's key."""
    headers = {"Authorization": "Bearer " + os.environ["KEY"], **(headers or {})}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    return urllib.request.Request(os.environ["API"] + path, data, headers, method=method)


def ask(*args):
    """Prints what is answered. A refusal is an error."""
    with urllib.request.urlopen(request(*args), timeout=60) as answer:
        print(answer.read().decode())


def follow(path):
    """Prints a stream line by line, for as long as it lasts."""
    with urllib.request.urlopen(request("GET", path), timeout=60) as answer:  # a sign of life comes every 15 s
        for line in answer:
            print(line.decode(), end="", flush=True)


# The operations.


def listCalls():
    """List live calls."""
    ask("GET", f"/apps/{part('APP')}/calls")


def placeCall():
    """Place a call."""
    ask("POST", f"/apps/{part('APP')}/calls", {"subscriber_id": os.environ["SUBSCRIBER"], "subscriber_number": os.environ["NUMBER"], "remote_number": "+442079460018"}, {"Idempotency-Key": os.environ["ONCE"]})


def retrieveCall():
    """Take back a parked call."""
    ask("POST", f"/apps/{part('APP')}/calls/retrieve", {"subscriber_id": os.environ["SUBSCRIBER"], "subscriber_number": os.environ["NUMBER"], "extension": os.environ["EXTENSION"]}, {"Idempotency-Key": os.environ["ONCE"]})


def getCall():
    """Read a call."""
    ask("GET", f"/apps/{part('APP')}/calls/{part('CALL')}")


def endCall():
    """End a call."""
    ask("DELETE", f"/apps/{part('APP')}/calls/{part('CALL')}")


def answerCall():
    """Answer a ringing call."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/answer")


def declineCall():
    """Decline a ringing call."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/decline")


def holdCall():
    """Put an active call on hold."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/hold")


def resumeCall():
    """Make a held call active again."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/resume")


def reconnectCall():
    """Take back a held call and end all others."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/reconnect")


def divertCall():
    """Send a ringing call elsewhere."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/divert", {"remote_number": "+442079460009"})


def transferCall():
    """Transfer a call."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/transfer", {"remote_number": "+442079460009"})


def muteTransferCall():
    """Transfer a call, muted."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/mute-transfer", {"remote_number": "+442079460009"})


def consultTransferCall():
    """Join the far ends of two calls."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/consult-transfer", {"with_call_id": os.environ["OTHER_CALL"]})


def parkCall():
    """Park a call."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/park", {"extension": os.environ["EXTENSION"]})


def sendDigits():
    """Send digits to the far end."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/dtmf", {"digits": "12#"})


def startRecording():
    """Record a call."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/recording/start")


def pauseRecording():
    """Pause the recording."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/recording/pause")


def resumeRecording():
    """Go on with the recording."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/recording/resume")


def stopRecording():
    """End the recording."""
    ask("PUT", f"/apps/{part('APP')}/calls/{part('CALL')}/recording/stop")


def getTimeline():
    """What happened to a call, step by step."""
    ask("GET", f"/apps/{part('APP')}/calls/{part('CALL')}/timeline")


def listCallHistory():
    """Calls that are over."""
    ask("GET", f"/apps/{part('APP')}/call-history?answered=true&limit=10")


def listConferences():
    """List live conferences."""
    ask("GET", f"/apps/{part('APP')}/conferences")


def startConference():
    """Join calls."""
    ask("POST", f"/apps/{part('APP')}/conferences", {"call_ids": [os.environ["CALL"], os.environ["OTHER_CALL"]], "client_ref": "board"}, {"Idempotency-Key": os.environ["ONCE"]})


def getConference():
    """Read a conference."""
    ask("GET", f"/apps/{part('APP')}/conferences/{part('CONFERENCE')}")


def endConference():
    """End a conference and the calls in it."""
    ask("DELETE", f"/apps/{part('APP')}/conferences/{part('CONFERENCE')}")


def muteParticipant():
    """Mute a participant."""
    ask("PUT", f"/apps/{part('APP')}/conferences/{part('CONFERENCE')}/participants/{part('CALL')}/mute")


def unmuteParticipant():
    """End that he is muted."""
    ask("PUT", f"/apps/{part('APP')}/conferences/{part('CONFERENCE')}/participants/{part('CALL')}/unmute")


def deafenParticipant():
    """Have a participant not hear."""
    ask("PUT", f"/apps/{part('APP')}/conferences/{part('CONFERENCE')}/participants/{part('CALL')}/deaf")


def undeafenParticipant():
    """Have him hear again."""
    ask("PUT", f"/apps/{part('APP')}/conferences/{part('CONFERENCE')}/participants/{part('CALL')}/undeaf")


def listSubscribers():
    """List your subscribers."""
    ask("GET", f"/apps/{part('APP')}/subscribers")


def getSubscriber():
    """Read a subscriber."""
    ask("GET", f"/apps/{part('APP')}/subscribers/{part('SUBSCRIBER')}")


def listSubscriberCalls():
    """List the live calls of one subscriber."""
    ask("GET", f"/apps/{part('APP')}/subscribers/{part('SUBSCRIBER')}/calls")


def listNetworks():
    """List the networks of your subscribers."""
    ask("GET", f"/apps/{part('APP')}/networks")


def getNetwork():
    """What a network can do."""
    ask("GET", f"/apps/{part('APP')}/networks/{part('NETWORK')}")


def listEvents():
    """Read the event log."""
    ask("GET", f"/apps/{part('APP')}/events?limit=10")


def streamEvents():
    """Follow events live."""
    follow(f"/apps/{part('APP')}/events/stream")


def listWebhooks():
    """All webhooks that are set."""
    ask("GET", f"/apps/{part('APP')}/webhooks")


def getWebhook():
    """Read a webhook and how its delivery goes."""
    ask("GET", f"/apps/{part('APP')}/webhooks/calls")


def putWebhook():
    """Set a webhook."""
    ask("PUT", f"/apps/{part('APP')}/webhooks/calls", {"url": os.environ["WEBHOOK_URL"], "extended_events": True, "signing": "v1+v1a"})


def patchWebhook():
    """Change a webhook."""
    ask("PATCH", f"/apps/{part('APP')}/webhooks/calls", {"filter": {"states": ["active", "released"]}})


def deleteWebhook():
    """Remove a webhook."""
    ask("DELETE", f"/apps/{part('APP')}/webhooks/calls")


def rotateSecret():
    """Get a new secret."""
    ask("PUT", f"/apps/{part('APP')}/webhooks/calls/rotate-secret", {"overlap_seconds": 3600})


def rotateSigningKey():
    """Get a new signing key."""
    ask("PUT", f"/apps/{part('APP')}/webhooks/calls/rotate-signing-key", {"overlap_seconds": 3600})


def testWebhook():
    """Send one event now."""
    ask("PUT", f"/apps/{part('APP')}/webhooks/calls/test")


def pauseWebhook():
    """Keep events waiting."""
    ask("PUT", f"/apps/{part('APP')}/webhooks/calls/pause")


def resumeWebhook():
    """Let a webhook go on."""
    ask("PUT", f"/apps/{part('APP')}/webhooks/calls/resume")


def listStreams():
    """Subscribers with something undelivered."""
    ask("GET", f"/apps/{part('APP')}/webhooks/calls/streams?limit=10")


def pauseStream():
    """Keep the events of one subscriber waiting."""
    ask("PUT", f"/apps/{part('APP')}/webhooks/calls/streams/{part('SUBSCRIBER')}/pause")


def resumeStream():
    """Let the events of one subscriber go on."""
    ask("PUT", f"/apps/{part('APP')}/webhooks/calls/streams/{part('SUBSCRIBER')}/resume")


def listAttempts():
    """What was tried."""
    ask("GET", f"/apps/{part('APP')}/webhooks/calls/attempts?limit=10")


def redeliverEvent():
    """Send one event again, now."""
    ask("PUT", f"/apps/{part('APP')}/webhooks/calls/redeliver", {"subscriber_id": os.environ["SUBSCRIBER"], "sequence_number": "1"})


def listRedeliveries():
    """List redelivery tasks."""
    ask("GET", f"/apps/{part('APP')}/webhooks/calls/redeliveries")


def startRedelivery():
    """Send many events again."""
    ask("POST", f"/apps/{part('APP')}/webhooks/calls/redeliveries", {"subscriber_id": os.environ["SUBSCRIBER"], "from_sequence": "1"})


def getRedelivery():
    """Read a task."""
    ask("GET", f"/apps/{part('APP')}/webhooks/calls/redeliveries/{part('TASK')}")


def cancelRedelivery():
    """Cancel a task."""
    ask("DELETE", f"/apps/{part('APP')}/webhooks/calls/redeliveries/{part('TASK')}")


def getDocument():
    """This document."""
    ask("GET", "/openapi.yaml")


def getReference():
    """This document, as a page to read."""
    ask("GET", "/reference")


# The end of the operations.


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]]()
    except urllib.error.HTTPError as refusal:
        sys.exit(f"{refusal.code}: {refusal.read().decode()}")
