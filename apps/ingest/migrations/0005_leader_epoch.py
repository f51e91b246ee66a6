from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ingest', '0004_attempts'),
    ]

    operations = [
        migrations.AddField(
            model_name='source',
            name='leader_epoch',
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='source',
            name='topic_id',
            field=models.CharField(blank=True, max_length=36),
        ),
    ]
