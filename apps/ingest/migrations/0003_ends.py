from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ingest', '0002_grants'),
    ]

    operations = [
        migrations.AddField(
            model_name='source',
            name='end_offset',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='source',
            name='end_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
