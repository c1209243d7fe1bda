"""What receivers publish about the bodies that they take, as types that refuse anything else.

Each has the page that it was written from. Limits are those of the page; where a receiver counts
in its own way (bytes, UTF-16 units, after reading the markup), ``Published.check`` counts so.
"""

import html
import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class Published(msgspec.Struct, forbid_unknown_fields=True):
    """A body, or a part of one."""

    def check(self) -> None:
        """What types alone cannot say; asserts."""


Stamp = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]


class SlackText(Published):
    """https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""

    type: Literal["plain_text"]
    text: Annotated[str, Meta(min_length=1, max_length=3000)]
    emoji: bool


class SlackBlock(Published):
    """https://docs.slack.dev/reference/block-kit/blocks: a header has 150 letters, section 3000."""

    type: Literal["header", "section"]
    text: SlackText

    def check(self) -> None:
        assert self.type == "section" or len(self.text.text) <= 150


class Slack(Published):
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""

    text: str
    blocks: Annotated[list[SlackBlock], Meta(min_length=1, max_length=50)]
    mrkdwn: bool

    def check(self) -> None:
        for block in self.blocks:
            block.check()


class DiscordEmbed(Published):
    """https://discord.com/developers/docs/resources/message#embed-object-embed-limits"""

    title: Annotated[str, Meta(min_length=1, max_length=256)]
    description: Annotated[str, Meta(max_length=4096)]
    color: Annotated[int, Meta(ge=0, le=0xFFFFFF)]


class DiscordMentions(Published):
    parse: Annotated[list[str], Meta(max_length=0)]


class Discord(Published):
    """https://discord.com/developers/docs/resources/webhook#execute-webhook"""

    username: Annotated[str, Meta(min_length=1, max_length=80)]
    embeds: Annotated[list[DiscordEmbed], Meta(min_length=1, max_length=10)]
    allowed_mentions: DiscordMentions

    def check(self) -> None:
        assert sum(len(each.title) + len(each.description) for each in self.embeds) <= 6000


class CardRun(Published):
    type: Literal["TextRun"]
    text: str
    size: Literal["small", "default", "medium", "large", "extraLarge"]


class CardBlock(Published):
    """https://adaptivecards.io/explorer/RichTextBlock.html, of version 1.2"""

    type: Literal["RichTextBlock"]
    inlines: Annotated[list[CardRun], Meta(min_length=1)]


class Card(Published):
    """https://adaptivecards.io/explorer/AdaptiveCard.html"""

    schema: str = msgspec.field(name="$schema")
    type: Literal["AdaptiveCard"]
    version: Literal["1.4"]
    body: Annotated[list[CardBlock], Meta(min_length=1)]


class CardAttachment(Published):
    contentType: Literal["application/vnd.microsoft.card.adaptive"]  # noqa: N815 - theirs
    contentUrl: None  # noqa: N815 - theirs
    content: Card


class Teams(Published):
    """https://learn.microsoft.com/connectors/teams/#microsoft-teams-webhook: 28 kB of card."""

    type: Literal["message"]
    attachments: Annotated[list[CardAttachment], Meta(min_length=1, max_length=1)]

    def check(self) -> None:
        assert len(msgspec.json.encode(self)) <= 28_000


class TelegramPreview(Published):
    is_disabled: bool


class Telegram(Published):
    """https://core.telegram.org/bots/api#sendmessage: 1 to 4096 letters after the entities."""

    chat_id: Annotated[str, Meta(min_length=1)]
    text: Annotated[str, Meta(min_length=1)]
    parse_mode: Literal["HTML"]
    link_preview_options: TelegramPreview

    def check(self) -> None:
        assert re.sub(r"</?b>", "", self.text).count("<") == 0
        assert re.sub(r"&(lt|gt|amp|quot|#x27);", "", self.text).count("&") == 0
        read = html.unescape(re.sub(r"</?b>", "", self.text))
        assert len(read.encode("utf-16-le")) <= 2 * 4096


class Ntfy(Published):
    """https://docs.ntfy.sh/publish/#publish-as-json; a message of 4096 bytes (#limitations)."""

    topic: Annotated[str, Meta(pattern="^[-_A-Za-z0-9]{1,64}$")]
    title: str
    message: Annotated[str, Meta(min_length=1)]
    priority: Annotated[int, Meta(ge=1, le=5)]
    tags: list[str]
    click: str = ""

    def check(self) -> None:
        assert len(self.message.encode()) <= 4096


class PagerDutyPayload(Published):
    summary: Annotated[str, Meta(min_length=1, max_length=1024)]
    source: Annotated[str, Meta(min_length=1)]
    severity: Literal["critical", "warning", "error", "info"]
    timestamp: Stamp
    component: str
    class_: str = msgspec.field(name="class")
    custom_details: dict[str, str]


class PagerDuty(Published):
    """https://developer.pagerduty.com/docs/send-alert-event, fields of the v2 API"""

    routing_key: Annotated[str, Meta(min_length=1)]
    event_action: Literal["trigger", "acknowledge", "resolve"]
    dedup_key: Annotated[str, Meta(min_length=1, max_length=255)]
    payload: PagerDutyPayload | None = None
    client: str = ""
    client_url: str = ""

    def check(self) -> None:
        assert (self.event_action == "trigger") == (self.payload is not None)
        assert len(msgspec.json.encode(self)) <= 512_000


LabelName = Annotated[str, Meta(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$")]


class AlertmanagerAlert(Published):
    """https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml: postableAlert"""

    labels: dict[LabelName, Annotated[str, Meta(min_length=1)]]
    annotations: dict[LabelName, str]
    startsAt: Stamp  # noqa: N815 - theirs
    endsAt: Stamp  # noqa: N815 - theirs
    generatorURL: str = ""  # noqa: N815 - theirs

    def check(self) -> None:
        assert "alertname" in self.labels
        assert self.endsAt >= self.startsAt


class Standard(Published):
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""

    type: Annotated[str, Meta(pattern="^[a-zA-Z0-9_]+([.][a-zA-Z0-9_]+)*$")]
    timestamp: Stamp
    data: dict[str, Any]

    def check(self) -> None:
        assert len(msgspec.json.encode(self)) <= 200_000


BODIES: dict[str, Any] = {
    "slack": Slack,
    "discord": Discord,
    "teams": Teams,
    "telegram": Telegram,
    "ntfy": Ntfy,
    "pagerduty": PagerDuty,
    "alertmanager": list[AlertmanagerAlert],
    "json": Standard,
}


def conforms(kind: str, body: str) -> None:
    """Asserts that a receiver of this kind takes the body."""
    found = msgspec.json.decode(body, type=BODIES[kind])
    for each in found if isinstance(found, list) else [found]:
        each.check()
