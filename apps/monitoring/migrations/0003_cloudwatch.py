from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitoring', '0002_incidents'),
    ]

    operations = [
        migrations.CreateModel(
            name='CloudWatchMonth',
            fields=[
                ('month', models.DateField(primary_key=True, serialize=False)),
                ('metrics_requested', models.BigIntegerField(db_default=0)),
                ('calls', models.BigIntegerField(db_default=0)),
            ],
            options={
                'ordering': ('-month',),
            },
        ),
    ]
