-- One row for each table that the release leaves empty. Lines for tables that a release lacks are skipped.
INSERT INTO data.persons (person_id, given_name, family_name, _source, _offset, _batch, _at, _rev) SELECT gen_random_uuid(), 'Ada', 'Byron', id, 0, 1, now(), 1 FROM ingest_source ORDER BY id LIMIT 1;
INSERT INTO data.planes (tailnum, type, manufacturer, model, engines, seats, engine, _source, _offset, _batch, _at, _rev) SELECT 'N10156', 'Fixed wing', 'EMBRAER', 'EMB-145', 2, 55, 'Turbo-fan', id, 0, 1, now(), 1 FROM ingest_source ORDER BY id LIMIT 1;
SELECT anden_ensure_months(id, '2013-05-01', '2013-05-01') FROM datasets_dataset WHERE name = 'weather';
INSERT INTO data.weather (origin, time_hour, _source, _offset, _batch, _at, _rev, _deleted) SELECT 'JFK', '2013-05-03T10:00:00Z', id, 0, 1, now(), 1, true FROM ingest_source ORDER BY id LIMIT 1;
INSERT INTO django_celery_beat_clockedschedule (clocked_time) VALUES ('2026-11-24T12:00:00Z');
INSERT INTO django_celery_beat_crontabschedule (minute, hour, day_of_week, day_of_month, month_of_year, timezone) VALUES ('0', '4', '*', '*', '*', 'UTC');
INSERT INTO django_celery_beat_intervalschedule (every, period) VALUES (86400, 'seconds');
INSERT INTO django_celery_beat_periodictask (name, task, args, kwargs, enabled, total_run_count, date_changed, description, one_off, headers, interval_id) SELECT task, task, '[]', '{}', true, 3, now(), '', false, '{}', id FROM django_celery_beat_intervalschedule, unnest('{datasets.heartbeat,datasets.ensure_ledger_days,datasets.drop_ledger_days,datasets.purge_tombstones,monitoring.purge_fleet,monitoring.look_for_drift}'::text[]) AS task;
INSERT INTO django_celery_beat_periodictasks (ident, last_update) VALUES (1, now());
INSERT INTO django_celery_beat_solarschedule (event, latitude, longitude) VALUES ('sunrise', 40.64, -73.78);
INSERT INTO django_session (session_key, session_data, expire_date) VALUES ('0123456789abcdef', 'nothing', now());
INSERT INTO monitoring_cloudwatchmonth (month, metrics_requested, calls) VALUES ('2026-11-01', 1234, 56);
INSERT INTO monitoring_fleetservice (name, state, since, first_seen, last_seen) VALUES ('service-3', 1, now(), now(), now());
INSERT INTO monitoring_fleetevaluation (at, window_s, read_s, service_ids, worst, states) VALUES (now(), 3600, 0.5, '\x0100', '\x0044', '\x01');
INSERT INTO monitoring_fleetdetail (signals, peers, score, value, ratio, evaluation_id) SELECT '["error_ratio"]', '[1.0]', '\x0044', '\x00000040', '\x00000040', id FROM monitoring_fleetevaluation;
INSERT INTO monitoring_grafanasync (at, revision, digest, manifest) VALUES (now(), 'c0ffee', 'd1', '{}');
INSERT INTO monitoring_incident (kind, subject, signal, stage, reason, sentence, evidence, trail, opened_at, last_seen_at, closed_by, returns) VALUES ('outlier', 'service-3', 'error_ratio', 'open', '', 'service-3 is an outlier', '{}', '[]', now(), now(), '', 0);
INSERT INTO monitoring_incident (kind, subject, signal, status, reason, sentence, evidence, score_history, opened_at, last_seen_at, closed_by, recurrences) VALUES ('outlier', 'service-3', 'error_ratio', 'open', '', 'service-3 is an outlier', '{}', '[]', now(), now(), '', 0);
INSERT INTO monitoring_incidentnote (at, by, source, target, reason, note, incident_id) SELECT now(), 'steward', 'open', 'acknowledged', '', 'seen', id FROM monitoring_incident;
INSERT INTO monitoring_incidentsuspicion (kind, subject, signal, since) VALUES ('outlier', 'service-4', 'latency_p95', now());
-- Permissions granted by hand: to a user and to a custom group, and the user's log entry.
INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT u.id, p.id FROM auth_user u, auth_permission p WHERE p.codename IN ('change_incident', 'change_quarantine');
INSERT INTO auth_group (name) VALUES ('night shift');
INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id FROM auth_group g, auth_permission p WHERE g.name = 'night shift' AND p.codename IN ('view_fleetservice', 'change_incident', 'view_cloudwatchmonth', 'view_dataset');
INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, content_type_id, user_id) SELECT now(), '1', '#1 service-3', 2, '[]', c.id, u.id FROM django_content_type c, auth_user u WHERE c.model IN ('incident', 'quarantine');
INSERT INTO jobs_job (kind, arguments, state, actor, send_after, max_attempts, attempts, cancel_requested, done, text, error, worker, created_at, run_after) VALUES ('datasets.purge_tombstones', '{}', 'succeeded', 'steward', now(), 3, 1, false, 5, 'purged', '', 'worker-1', now(), now());
