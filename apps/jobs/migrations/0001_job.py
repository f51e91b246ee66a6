"""The table of jobs; the default rights of schema public give it to the role of web and workers, to no other."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [("datasets", "0001_roles")]

    operations = [
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=100)),
                ('arguments', models.JSONField()),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('succeeded', 'succeeded'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='queued', max_length=16)),
                ('actor', models.CharField(blank=True, max_length=150)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('run_after', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('send_after', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('heartbeat_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('claim', models.UUIDField(null=True)),
                ('worker', models.CharField(blank=True, max_length=200)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('max_attempts', models.PositiveSmallIntegerField()),
                ('cancel_requested', models.BooleanField(default=False)),
                ('done', models.BigIntegerField(default=0)),
                ('total', models.BigIntegerField(null=True)),
                ('text', models.TextField(blank=True, default='')),
                ('checkpoint', models.JSONField(null=True)),
                ('result', models.JSONField(null=True)),
                ('error', models.TextField(blank=True, default='')),
            ],
            options={
                'ordering': ('-id',),
                'indexes': [models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['state', 'id'], name='live_jobs'), models.Index(condition=models.Q(('state__in', ['queued', 'running']), _negated=True), fields=['finished_at'], name='ended_jobs')],
            },
        ),
    ]
