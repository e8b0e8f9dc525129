from django.db import migrations


class Migration(migrations.Migration):
    """Names only: the tables keep theirs, so that processes of the version before may go on."""

    dependencies = [("sgportal", "0017_deleted_grids")]

    operations = [
        migrations.AlterModelTable("mirror", "sgportal_mirror"),
        migrations.RenameModel("Mirror", "ResourceSync"),
        migrations.AlterModelTable("stewardship", "sgportal_stewardship"),
        migrations.RenameModel("Stewardship", "ManagementMode"),
    ]
