"""A client that signs its requests the way the documentation of the registry shows it, and tells what came back.

Arguments: address of the registry, path it is mounted at, API key, a zip. Prints one line of JSON per request.
"""

import base64
import hashlib
import hmac
import http.client
import json
import sys
import time
import uuid


def sign(method, path, timestamp, nonce, body, api_key):
    text = f"{method}{path}{timestamp}{nonce}{body}"
    return base64.b64encode(hmac.new(api_key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def sign_bytes(method, path, timestamp, nonce, body, api_key):
    code = hmac.new(api_key.encode(), f"{method}{path}{timestamp}{nonce}".encode(), hashlib.sha256)
    code.update(body)
    return base64.b64encode(code.digest()).decode()


def headers_for(method, path, body, api_key):
    timestamp, nonce = str(int(time.time())), str(uuid.uuid4())
    make = sign if isinstance(body, str) else sign_bytes
    return {
        "X-Api-Key": api_key,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Signature": make(method, path, timestamp, nonce, body, api_key),
    }


def send(method, target, body, headers):
    connection = http.client.HTTPConnection(host, timeout=10)
    data = body.encode() if isinstance(body, str) else body
    connection.request(method, target, body=data or None, headers=headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    print(json.dumps({"status": answer.status, "json": json.loads(data) if is_json and data else None}))
    return data


def call(method, path, body="", query="", content_type=None):
    headers = headers_for(method, mount + path, body, key)
    if content_type:
        headers["Content-Type"] = content_type
    return send(method, mount + path + query, body, headers), headers


host, mount, key, zip_path = sys.argv[1:]
call("GET", "/whoami")
text = json.dumps({"name": "fc", "version": "1.0.0", "description": "größer 🚀"}, ensure_ascii=False)
opened, _ = call("POST", "/releases", text, content_type="application/json; charset=utf-8")
with open(zip_path, "rb") as file:
    archive = file.read()
call("PUT", "/upload/" + json.loads(opened)["upload_id"], archive)
call("GET", "/search", query="?search=fc")
_, used = call("DELETE", "/fc/releases/tags/1.0.0")
send("DELETE", mount + "/fc/releases/tags/1.0.0", "", used)
send("GET", mount + "/whoami", "", {**headers_for("GET", mount + "/whoami", "", key + "x"), "X-Api-Key": key})
