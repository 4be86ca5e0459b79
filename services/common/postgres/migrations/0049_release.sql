-- compatible_from: 40
-- Who runs, of which release, and which kinds of facts may be written by now (docs/upgrade.md).

-- A row of each process that runs. kinds: the stored names of the facts that it can read.
-- tables: the newest migration it knows. seen_at: it says every few seconds that it lives.
CREATE TABLE processes (
    id uuid PRIMARY KEY,
    service text NOT NULL,
    version text NOT NULL,
    tables int NOT NULL,
    kinds text[] NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL
);

-- A new release writes its new kinds of facts once they are here, which `recount release finish` does
-- when every process can read them. These are the kinds of the release before.
CREATE TABLE log_writes (kind text PRIMARY KEY, named_at timestamptz NOT NULL DEFAULT now());

INSERT INTO log_writes (kind) VALUES
    ('access.granted.v1'), ('access.revoked.v1'), ('account.key_created.v1'),
    ('account.key_revoked.v1'), ('account.member_added.v1'), ('account.member_rank_changed.v1'),
    ('account.member_removed.v1'), ('account.project_created.v1'), ('account.user_erased.v1'),
    ('action.created.v1'), ('action.deleted.v1'), ('action.described.v1'), ('action.renamed.v1'),
    ('action.restored.v1'), ('action.steps_changed.v1'), ('audit.erasure_completed.v1'),
    ('audit.erasure_requested.v1'), ('audit.hold_lifted.v1'), ('audit.hold_placed.v1'),
    ('audit.key_rotated.v1'), ('audit.payload_erased.v1'), ('audit.reads_expired.v1'),
    ('audit.reads_sealed.v1'), ('audit.row_healed.v1'), ('bus_consumer.created.v1'),
    ('bus_consumer.deleted.v1'), ('bus_consumer.moved.v1'), ('bus_consumer.password_rotated.v1'),
    ('bus_consumer.paused.v1'), ('bus_consumer.renamed.v1'), ('bus_consumer.resumed.v1'),
    ('bus_consumer.types_changed.v1'), ('cohort.created.v1'), ('cohort.deleted.v1'),
    ('cohort.described.v1'), ('cohort.filters_changed.v1'), ('cohort.people_added.v1'),
    ('cohort.renamed.v1'), ('cohort.restored.v1'), ('dashboard.created.v1'),
    ('dashboard.deleted.v1'), ('dashboard.described.v1'), ('dashboard.filters_changed.v1'),
    ('dashboard.pinned.v1'), ('dashboard.renamed.v1'), ('dashboard.restored.v1'),
    ('dashboard.restricted.v1'), ('dashboard.tagged.v1'), ('dashboard.tile_added.v1'),
    ('dashboard.tile_arranged.v1'), ('dashboard.unpinned.v1'), ('history.changed_in_bulk.v1'),
    ('history.reverted.v1'), ('history.undone.v1'), ('insight.added_to_dashboard.v1'),
    ('insight.created.v1'), ('insight.deleted.v1'), ('insight.derived_name_changed.v1'),
    ('insight.described.v1'), ('insight.favorited.v1'), ('insight.filters_changed.v1'),
    ('insight.query_changed.v1'), ('insight.removed_from_dashboard.v1'), ('insight.renamed.v1'),
    ('insight.reordered.v1'), ('insight.restored.v1'), ('insight.saved.v1'), ('insight.tagged.v1'),
    ('insight.unfavorited.v1'), ('insight.unsaved.v1'), ('project.registered.v1'),
    ('project.renamed.v1'), ('project.test_account_filters_changed.v1'),
    ('project.timezone_changed.v1'), ('project.week_start_changed.v1'),
    ('sharing.access_token_rotated.v1'), ('sharing.disabled.v1'), ('sharing.enabled.v1'),
    ('sharing.password_added.v1'), ('sharing.password_not_required.v1'),
    ('sharing.password_removed.v1'), ('sharing.password_required.v1'),
    ('sharing.settings_changed.v1'), ('viewing.insight_viewed.v1'),
    ('viewing.share_login_failed.v1'), ('viewing.share_login_succeeded.v1'), ('webhook.changed.v1'),
    ('webhook.created.v1'), ('webhook.deleted.v1'), ('webhook.disabled.v1'),
    ('webhook.lane_parked.v1'), ('webhook.lane_released.v1'), ('webhook.paused.v1'),
    ('webhook.resumed.v1'), ('webhook.secret_rotated.v1');
