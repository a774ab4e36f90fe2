# Managed by scaffold: updates merge this file.
"""SeaweedFS, over S3."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError

from clients import setting

CONFIG = Config(
    # The bucket goes into the path: no name leads to http://bucket.seaweedfs.
    s3={"addressing_style": "path"},
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 2},
    # What only Amazon's own servers are sure to know is left out.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@cache
def connect() -> Any:
    """One S3 client, as `boto3.client("s3")` makes it; it serves all threads."""
    return Session().client(
        "s3",
        endpoint_url=setting("S3_ENDPOINT_URL"),
        aws_access_key_id=setting("S3_ACCESS_KEY"),
        aws_secret_access_key=setting("S3_SECRET_KEY"),
        region_name="us-east-1",
        config=CONFIG,
    )


def bucket() -> str:
    """The name of the project's bucket, which is made when it is missing.

    Raises botocore.exceptions.ClientError when the server refuses, and other BotoCoreErrors when it is away.
    """
    name = setting("S3_BUCKET")
    try:
        connect().head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        _make(name)
    return name


def check() -> None:
    """Write one object, read it back and remove it.

    Raises whatever the library raises, and LookupError when what is read is not what was written.
    """
    place = {"Bucket": bucket(), "Key": f"scaffold_check/{uuid.uuid4().hex}"}
    content = uuid.uuid4().bytes
    connect().put_object(**place, Body=content)
    try:
        if connect().get_object(**place)["Body"].read() != content:
            raise LookupError("the object that was just written reads differently")
    finally:
        connect().delete_object(**place)


def _make(name: str) -> None:
    try:
        connect().create_bucket(Bucket=name)
    except ClientError as error:
        # Another process was first.
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
