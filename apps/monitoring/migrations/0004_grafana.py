from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitoring', '0003_cloudwatch'),
    ]

    operations = [
        migrations.CreateModel(
            name='GrafanaSync',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('revision', models.CharField(max_length=64)),
                ('digest', models.CharField(max_length=64)),
                ('manifest', models.JSONField()),
                ('hashes', models.JSONField(db_default={})),
                ('changes', models.PositiveIntegerField(db_default=0)),
                ('rolled_back_to', models.BigIntegerField(blank=True, null=True)),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
    ]
