"""What waits for an officer, of every kind, and which page is open at whom."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compliance.domain.wording import plain
from apps.compliance.domain.work_items import KIND_WORDS, Priority, WorkKind
from apps.compliance.repositories import WorkItemQuerySet
from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField

KINDS = [(kind.value, words) for kind, words in KIND_WORDS.items()]
PRIORITIES = [(one.value, one.name.capitalize()) for one in Priority]


class WorkItem(BaseModel):
    """One subject in the queue; its own table says what it is, this one whose it is and when due.

    `page_id` is what is opened to decide it: a hit's is the client's KYC record.  `topic` is what
    it is grouped by (a list, a scenario).  With `proposed_by` it waits for another officer, who
    reads in `summary` what confirming would do.  Neither title nor summary names a client.
    What an officer has escalated is a supervisor's until they answer: by a proposal, or by giving
    it to an officer.  `escalation` says why.
    """

    kind = models.CharField(max_length=9)
    subject_id = models.UUIDField()
    page_id = models.UUIDField()
    stream = models.CharField(max_length=120)
    client = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    topic = models.CharField(max_length=50, blank=True)
    title = models.CharField(max_length=150)
    summary = models.CharField(max_length=300, blank=True)
    priority = models.PositiveSmallIntegerField(choices=PRIORITIES)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    proposed_at = models.DateTimeField(null=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    escalated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    escalated_at = models.DateTimeField(null=True)
    escalation_answered_at = models.DateTimeField(null=True)
    escalation = EncryptedTextField[str | None, str | None](data_class="compliance", null=True)
    closed_at = models.DateTimeField(null=True)

    objects = WorkItemQuerySet.as_manager()

    class Meta:
        ordering = ("priority", "due_at", "opened_at", "id")
        verbose_name = "work item"
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "subject_id"],
                condition=Q(closed_at=None),
                name="work_item_one_open",
            ),
            models.CheckConstraint(
                condition=~Q(assignee=F("proposed_by")), name="work_item_second_officer"
            ),
            models.CheckConstraint(
                condition=~Q(assignee=F("client")), name="work_item_not_about_oneself"
            ),
            models.CheckConstraint(
                condition=Q(proposed_by=None, proposed_at=None)
                | Q(proposed_by__isnull=False, proposed_at__isnull=False),
                name="work_item_proposal",
            ),
            models.CheckConstraint(
                condition=Q(escalated_by=None, escalated_at=None)
                | Q(escalated_by__isnull=False, escalated_at__isnull=False),
                name="work_item_escalation",
            ),
        )
        indexes = (
            models.Index(
                fields=["priority", "due_at", "opened_at", "id"],
                condition=Q(closed_at=None),
                name="work_item_queue",
            ),
            models.Index(fields=["page_id"], condition=Q(closed_at=None), name="work_item_page"),
            models.Index(fields=["closed_at"], name="work_item_closed"),
        )
        permissions = (
            ("take_workitem", "Can take work and open it for deciding"),
            ("assign_workitem", "Can give work to others"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_escalated(self) -> bool:
        return self.escalated_at is not None and self.escalation_answered_at is None

    @property
    def kind_words(self) -> str:
        return KIND_WORDS[WorkKind(self.kind)]

    @property
    def topic_words(self) -> str:
        return plain(self.topic) if self.kind == WorkKind.ALERT else self.topic


class WorkLock(models.Model):
    """At whom a page is open, and until when; taken by a guarded UPDATE, kept when it is over."""

    page_id = models.UUIDField(primary_key=True)
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.page_id} until {self.until:%H:%M}"


class SavedView(BaseModel):
    """A filter of the queue under a name; a shared one is offered to every officer."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=300)
    is_shared = models.BooleanField(default=False)

    class Meta:
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=["owner", "name"], name="saved_view_once"),)

    def __str__(self) -> str:
        return self.name
