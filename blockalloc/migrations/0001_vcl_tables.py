"""VCL's tables: made on an empty database, adopted as they are where they exist."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import blockalloc.fields
from blockalloc.schema.operations import CreateOrAdoptTables


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        CreateOrAdoptTables(),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Affiliation",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=40, unique=True)),
                        ("shibname", blockalloc.fields.LatinField(blank=True, max_length=60, null=True)),
                        ("dataUpdateText", blockalloc.fields.LatinTextField(blank=True)),
                        ("sitewwwaddress", blockalloc.fields.LatinField(blank=True, max_length=128, null=True)),
                        ("helpaddress", blockalloc.fields.LatinField(blank=True, max_length=32, null=True)),
                        ("shibonly", blockalloc.fields.TinyField(default=0)),
                        ("theme", blockalloc.fields.LatinField(blank=True, max_length=50, null=True)),
                    ],
                    options={
                        "db_table": "affiliation",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="AdminLevel",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(blank=True, default="", max_length=10, unique=True)),
                    ],
                    options={
                        "db_table": "adminlevel",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="IMType",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(blank=True, default="", max_length=20, unique=True)),
                    ],
                    options={
                        "verbose_name": "IM type",
                        "db_table": "IMtype",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="User",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        ("uid", blockalloc.fields.IntField(blank=True, null=True, unique=True)),
                        ("unityid", blockalloc.fields.LatinField(blank=True, default="", max_length=80)),
                        (
                            "affiliation",
                            models.ForeignKey(
                                db_column="affiliationid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.affiliation",
                            ),
                        ),
                        ("firstname", blockalloc.fields.LatinField(blank=True, default="", max_length=20)),
                        ("lastname", blockalloc.fields.LatinField(blank=True, default="", max_length=25)),
                        ("preferredname", blockalloc.fields.LatinField(blank=True, max_length=25, null=True)),
                        ("email", blockalloc.fields.LatinField(blank=True, max_length=80)),
                        ("emailnotices", blockalloc.fields.TinyField(default=1)),
                        (
                            "IMtype",
                            models.ForeignKey(
                                blank=True,
                                db_column="IMtypeid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.imtype",
                            ),
                        ),
                        ("IMid", blockalloc.fields.LatinField(blank=True, max_length=80, null=True)),
                        ("adminlevelid", blockalloc.fields.TinyField(default=1)),
                        ("width", blockalloc.fields.SmallField(default=1024)),
                        ("height", blockalloc.fields.SmallField(default=768)),
                        ("bpp", blockalloc.fields.TinyField(default=16)),
                        ("audiomode", blockalloc.fields.EnumField(default="local", words=("none", "local"))),
                        ("mapdrives", blockalloc.fields.TinyField(default=1)),
                        ("mapprinters", blockalloc.fields.TinyField(default=1)),
                        ("mapserial", blockalloc.fields.TinyField(default=0)),
                        ("rdpport", blockalloc.fields.SmallField(blank=True, null=True)),
                        ("showallgroups", blockalloc.fields.TinyField(default=0)),
                        ("lastupdated", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("validated", blockalloc.fields.TinyField(default=1)),
                        ("usepublickeys", blockalloc.fields.TinyField(default=0)),
                        ("sshpublickeys", blockalloc.fields.LatinTextField(blank=True, null=True)),
                    ],
                    options={
                        "db_table": "user",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="LocalAuth",
                    fields=[
                        (
                            "user",
                            models.OneToOneField(
                                db_column="userid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                primary_key=True,
                                serialize=False,
                                to="blockalloc.user",
                            ),
                        ),
                        ("passhash", blockalloc.fields.LatinField(blank=True, default="", max_length=40)),
                        ("salt", blockalloc.fields.LatinField(blank=True, default="", max_length=8)),
                        ("lastupdated", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("lockedout", blockalloc.fields.TinyField(default=0)),
                    ],
                    options={
                        "verbose_name": "local password",
                        "db_table": "localauth",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="UserGroup",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=60)),
                        (
                            "affiliation",
                            models.ForeignKey(
                                blank=True,
                                db_column="affiliationid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.affiliation",
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                blank=True,
                                db_column="ownerid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.user",
                            ),
                        ),
                        (
                            "editusergroup",
                            models.ForeignKey(
                                blank=True,
                                db_column="editusergroupid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.usergroup",
                            ),
                        ),
                        ("custom", blockalloc.fields.TinyField(default=0)),
                        ("courseroll", blockalloc.fields.TinyField(default=0)),
                        ("initialmaxtime", blockalloc.fields.MediumField(default=240)),
                        ("totalmaxtime", blockalloc.fields.MediumField(default=360)),
                        ("maxextendtime", blockalloc.fields.MediumField(default=60)),
                        ("overlapResCount", blockalloc.fields.SmallField(default=0)),
                    ],
                    options={
                        "db_table": "usergroup",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="UserGroupMember",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "user_id", "usergroup_id", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                db_column="userid", on_delete=django.db.models.deletion.DO_NOTHING, to="blockalloc.user"
                            ),
                        ),
                        (
                            "usergroup",
                            models.ForeignKey(
                                db_column="usergroupid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.usergroup",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "usergroupmembers",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="UserGroupPrivType",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=50)),
                        ("help", blockalloc.fields.LatinTextField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name": "user group right type",
                        "db_table": "usergroupprivtype",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="UserGroupPriv",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "usergroup_id",
                                "userprivtype_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "usergroup",
                            models.ForeignKey(
                                db_column="usergroupid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.usergroup",
                            ),
                        ),
                        (
                            "userprivtype",
                            models.ForeignKey(
                                db_column="userprivtypeid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.usergroupprivtype",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "user group right",
                        "db_table": "usergrouppriv",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="LoginLog",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "user", "timestamp", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("user", blockalloc.fields.LatinField(max_length=50)),
                        ("authmech", blockalloc.fields.LatinField(max_length=30)),
                        (
                            "affiliation",
                            models.ForeignKey(
                                db_column="affiliationid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.affiliation",
                            ),
                        ),
                        ("timestamp", blockalloc.fields.InstantField(default=django.utils.timezone.now)),
                        ("passfail", blockalloc.fields.TinyField(default=0)),
                        ("remoteIP", blockalloc.fields.LatinField(max_length=15)),
                        ("code", blockalloc.fields.EnumField(default="none", words=("none", "invalid credentials"))),
                    ],
                    options={
                        "verbose_name": "login log entry",
                        "verbose_name_plural": "login log entries",
                        "db_table": "loginlog",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="XmlrpcLog",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "xmlrpcKeyid",
                                "timestamp",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("xmlrpcKeyid", blockalloc.fields.MediumField(default=0)),
                        ("timestamp", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("IPaddress", blockalloc.fields.LatinField(blank=True, max_length=15, null=True)),
                        ("method", blockalloc.fields.LatinField(blank=True, max_length=60, null=True)),
                        ("apiversion", blockalloc.fields.TinyField(default=1)),
                        ("comments", blockalloc.fields.LatinTextField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name": "XML-RPC log entry",
                        "verbose_name_plural": "XML-RPC log entries",
                        "db_table": "xmlrpcLog",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Variable",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=128, unique=True)),
                        (
                            "serialization",
                            blockalloc.fields.EnumField(default="none", words=("none", "yaml", "phpserialize")),
                        ),
                        ("value", blockalloc.fields.LongLatinTextField()),
                        ("setby", blockalloc.fields.LatinField(blank=True, max_length=128, null=True)),
                        ("timestamp", blockalloc.fields.LocalTimeField()),
                    ],
                    options={
                        "db_table": "variable",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="State",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(blank=True, default="", max_length=20, unique=True)),
                    ],
                    options={
                        "db_table": "state",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Platform",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(blank=True, default="", max_length=20, unique=True)),
                    ],
                    options={
                        "db_table": "platform",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Module",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=30, unique=True)),
                        ("prettyname", blockalloc.fields.LatinField(max_length=70)),
                        ("description", blockalloc.fields.LatinField(blank=True, max_length=255)),
                        ("perlpackage", blockalloc.fields.LatinField(max_length=150)),
                    ],
                    options={
                        "db_table": "module",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="OSType",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=30, unique=True)),
                    ],
                    options={
                        "verbose_name": "OS type",
                        "db_table": "OStype",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="OSInstallType",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=30, unique=True)),
                    ],
                    options={
                        "verbose_name": "OS install type",
                        "db_table": "OSinstalltype",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="OS",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=20, unique=True)),
                        (
                            "prettyname",
                            blockalloc.fields.LatinField(blank=True, default="", max_length=64, unique=True),
                        ),
                        (
                            "type",
                            models.ForeignKey(
                                db_column="type",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.ostype",
                                to_field="name",
                            ),
                        ),
                        (
                            "installtype",
                            models.ForeignKey(
                                db_column="installtype",
                                default="image",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.osinstalltype",
                                to_field="name",
                            ),
                        ),
                        ("minram", blockalloc.fields.MediumField(default=512)),
                        ("sourcepath", blockalloc.fields.LatinField(blank=True, max_length=30, null=True)),
                        (
                            "module",
                            models.ForeignKey(
                                blank=True,
                                db_column="moduleid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.module",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "operating system",
                        "verbose_name_plural": "operating systems",
                        "db_table": "OS",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Provisioning",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=30, unique=True)),
                        ("prettyname", blockalloc.fields.LatinField(max_length=70)),
                        (
                            "module",
                            models.ForeignKey(
                                db_column="moduleid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.module",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "provisioning method",
                        "db_table": "provisioning",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ProvisioningOSInstallType",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "provisioning_id",
                                "OSinstalltype_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "provisioning",
                            models.ForeignKey(
                                db_column="provisioningid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.provisioning",
                            ),
                        ),
                        (
                            "OSinstalltype",
                            models.ForeignKey(
                                db_column="OSinstalltypeid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.osinstalltype",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "provisioning install type",
                        "db_table": "provisioningOSinstalltype",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Schedule",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(blank=True, default="", max_length=25, unique=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                db_column="ownerid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.user",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "schedule",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ScheduleTime",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "schedule_id",
                                "start",
                                "end",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "schedule",
                            models.ForeignKey(
                                db_column="scheduleid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.schedule",
                            ),
                        ),
                        ("start", blockalloc.fields.SmallField(default=0)),
                        ("end", blockalloc.fields.SmallField(default=0)),
                    ],
                    options={
                        "db_table": "scheduletimes",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ImageType",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=16, unique=True)),
                    ],
                    options={
                        "db_table": "imagetype",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="VmType",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=30, unique=True)),
                    ],
                    options={
                        "verbose_name": "VM type",
                        "db_table": "vmtype",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ImageMeta",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("checkuser", blockalloc.fields.TinyField(default=1)),
                        ("subimages", blockalloc.fields.TinyField(default=0)),
                        ("sysprep", blockalloc.fields.TinyField(default=1)),
                        ("postoption", blockalloc.fields.LatinField(blank=True, max_length=32, null=True)),
                        ("architecture", blockalloc.fields.LatinField(blank=True, max_length=10, null=True)),
                        ("rootaccess", blockalloc.fields.TinyField(default=1)),
                        ("sethostname", blockalloc.fields.TinyField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name": "image meta data",
                        "verbose_name_plural": "image meta data",
                        "db_table": "imagemeta",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Image",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(blank=True, default="", max_length=70, unique=True)),
                        (
                            "prettyname",
                            blockalloc.fields.LatinField(blank=True, default="", max_length=80, unique=True),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                blank=True,
                                db_column="ownerid",
                                default=1,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.user",
                            ),
                        ),
                        (
                            "imagetype",
                            models.ForeignKey(
                                db_column="imagetypeid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.imagetype",
                            ),
                        ),
                        (
                            "platform",
                            models.ForeignKey(
                                db_column="platformid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.platform",
                            ),
                        ),
                        (
                            "OS",
                            models.ForeignKey(
                                db_column="OSid", on_delete=django.db.models.deletion.DO_NOTHING, to="blockalloc.os"
                            ),
                        ),
                        (
                            "imagemeta",
                            models.ForeignKey(
                                blank=True,
                                db_column="imagemetaid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.imagemeta",
                            ),
                        ),
                        ("minram", blockalloc.fields.MediumField(default=0)),
                        ("minprocnumber", blockalloc.fields.TinyField(default=0)),
                        ("minprocspeed", blockalloc.fields.SmallField(default=0)),
                        ("minnetwork", blockalloc.fields.SmallField(default=0)),
                        ("maxconcurrent", blockalloc.fields.TinyField(blank=True, null=True)),
                        ("reloadtime", blockalloc.fields.TinyField(default=10)),
                        ("deleted", blockalloc.fields.TinyField(default=0)),
                        ("test", blockalloc.fields.TinyField(default=0)),
                        ("lastupdate", blockalloc.fields.LocalTimeField(blank=True, null=True)),
                        ("forcheckout", blockalloc.fields.TinyField(default=1)),
                        ("maxinitialtime", blockalloc.fields.MediumField(default=0)),
                        ("project", blockalloc.fields.EnumField(default="vcl", words=("vcl", "hpc", "vclhpc"))),
                        ("size", blockalloc.fields.SmallField(default=0)),
                        ("architecture", blockalloc.fields.EnumField(default="x86", words=("x86", "x86_64"))),
                        ("description", blockalloc.fields.LatinTextField(blank=True, null=True)),
                        ("usage", blockalloc.fields.LatinTextField(blank=True, null=True)),
                        (
                            "basedoffrevision",
                            models.ForeignKey(
                                blank=True,
                                db_column="basedoffrevisionid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="derived_images",
                                to="blockalloc.imagerevision",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "image",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ImageRevision",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        (
                            "image",
                            models.ForeignKey(
                                db_column="imageid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.image",
                            ),
                        ),
                        ("revision", blockalloc.fields.SmallField()),
                        (
                            "user",
                            models.ForeignKey(
                                db_column="userid", on_delete=django.db.models.deletion.DO_NOTHING, to="blockalloc.user"
                            ),
                        ),
                        ("datecreated", blockalloc.fields.LocalTimeField()),
                        ("deleted", blockalloc.fields.TinyField()),
                        ("datedeleted", blockalloc.fields.LocalTimeField(blank=True, null=True)),
                        ("production", blockalloc.fields.TinyField()),
                        ("comments", blockalloc.fields.LatinTextField(blank=True, null=True)),
                        ("imagename", blockalloc.fields.LatinField(max_length=75)),
                        ("autocaptured", blockalloc.fields.TinyField(default=0)),
                    ],
                    options={
                        "db_table": "imagerevision",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="SubImage",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "imagemeta_id",
                                "image_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "imagemeta",
                            models.ForeignKey(
                                db_column="imagemetaid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.imagemeta",
                            ),
                        ),
                        (
                            "image",
                            models.ForeignKey(
                                db_column="imageid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.image",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "subimage",
                        "db_table": "subimages",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Computer",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        (
                            "state",
                            models.ForeignKey(
                                db_column="stateid",
                                default=10,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.state",
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                blank=True,
                                db_column="ownerid",
                                default=1,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.user",
                            ),
                        ),
                        (
                            "platform",
                            models.ForeignKey(
                                db_column="platformid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.platform",
                            ),
                        ),
                        (
                            "schedule",
                            models.ForeignKey(
                                blank=True,
                                db_column="scheduleid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.schedule",
                            ),
                        ),
                        (
                            "vmhost",
                            models.ForeignKey(
                                blank=True,
                                db_column="vmhostid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="guests",
                                to="blockalloc.vmhost",
                            ),
                        ),
                        (
                            "currentimage",
                            models.ForeignKey(
                                db_column="currentimageid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.image",
                            ),
                        ),
                        (
                            "nextimage",
                            models.ForeignKey(
                                db_column="nextimageid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="computer_nextimage_set",
                                to="blockalloc.image",
                            ),
                        ),
                        (
                            "imagerevision",
                            models.ForeignKey(
                                db_column="imagerevisionid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.imagerevision",
                            ),
                        ),
                        ("RAM", blockalloc.fields.MediumField(default=0)),
                        ("procnumber", blockalloc.fields.TinyField(default=1)),
                        ("procspeed", blockalloc.fields.SmallField(default=0)),
                        ("network", blockalloc.fields.SmallField(default=100)),
                        ("hostname", blockalloc.fields.LatinField(blank=True, default="", max_length=36)),
                        ("IPaddress", blockalloc.fields.LatinField(blank=True, default="", max_length=15)),
                        ("privateIPaddress", blockalloc.fields.LatinField(blank=True, max_length=15, null=True)),
                        ("eth0macaddress", blockalloc.fields.LatinField(blank=True, max_length=17, null=True)),
                        ("eth1macaddress", blockalloc.fields.LatinField(blank=True, max_length=17, null=True)),
                        (
                            "type",
                            blockalloc.fields.EnumField(default="blade", words=("blade", "lab", "virtualmachine")),
                        ),
                        (
                            "provisioning",
                            models.ForeignKey(
                                db_column="provisioningid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.provisioning",
                            ),
                        ),
                        ("drivetype", blockalloc.fields.LatinField(default="hda", max_length=4)),
                        ("deleted", blockalloc.fields.TinyField(default=0)),
                        ("datedeleted", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("notes", blockalloc.fields.LatinTextField(blank=True, null=True)),
                        ("lastcheck", blockalloc.fields.LocalTimeField(blank=True, null=True)),
                        ("location", blockalloc.fields.LatinField(blank=True, max_length=255, null=True)),
                        ("dsa", blockalloc.fields.MediumLatinTextField(blank=True, null=True)),
                        ("dsapub", blockalloc.fields.MediumLatinTextField(blank=True, null=True)),
                        ("rsa", blockalloc.fields.MediumLatinTextField(blank=True, null=True)),
                        ("rsapub", blockalloc.fields.MediumLatinTextField(blank=True, null=True)),
                        ("host", blockalloc.fields.BlobField(blank=True, null=True)),
                        ("hostpub", blockalloc.fields.MediumLatinTextField(blank=True, null=True)),
                        ("vmtypeid", blockalloc.fields.TinyField(blank=True, null=True)),
                        (
                            "predictivemodule",
                            models.ForeignKey(
                                db_column="predictivemoduleid",
                                default=9,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.module",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "computer",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="VmProfile",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("profilename", blockalloc.fields.LatinField(max_length=56, unique=True)),
                        (
                            "image",
                            models.ForeignKey(
                                db_column="imageid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.image",
                            ),
                        ),
                        ("resourcepath", blockalloc.fields.LatinField(blank=True, max_length=256, null=True)),
                        ("folderpath", blockalloc.fields.LatinField(blank=True, max_length=256, null=True)),
                        ("repositorypath", blockalloc.fields.LatinField(blank=True, max_length=128, null=True)),
                        (
                            "repositoryimagetype",
                            models.ForeignKey(
                                db_column="repositoryimagetypeid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.imagetype",
                            ),
                        ),
                        ("datastorepath", blockalloc.fields.LatinField(max_length=128)),
                        (
                            "datastoreimagetype",
                            models.ForeignKey(
                                db_column="datastoreimagetypeid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="vmprofile_datastore_set",
                                to="blockalloc.imagetype",
                            ),
                        ),
                        ("vmpath", blockalloc.fields.LatinField(blank=True, max_length=128, null=True)),
                        ("virtualswitch0", blockalloc.fields.LatinField(default="VMnet0", max_length=80)),
                        ("virtualswitch1", blockalloc.fields.LatinField(default="VMnet2", max_length=80)),
                        ("virtualswitch2", blockalloc.fields.LatinField(blank=True, max_length=80, null=True)),
                        ("virtualswitch3", blockalloc.fields.LatinField(blank=True, max_length=80, null=True)),
                        ("vmdisk", blockalloc.fields.EnumField(default="dedicated", words=("dedicated", "shared"))),
                        ("username", blockalloc.fields.LatinField(blank=True, max_length=80, null=True)),
                        ("password", blockalloc.fields.LatinField(blank=True, max_length=256, null=True)),
                        ("secretid", blockalloc.fields.SmallField(blank=True, null=True)),
                        ("eth0generated", blockalloc.fields.TinyField(default=0)),
                        ("eth1generated", blockalloc.fields.TinyField(default=0)),
                        ("rsapub", blockalloc.fields.LatinTextField(blank=True, null=True)),
                        ("rsakey", blockalloc.fields.LatinField(blank=True, max_length=256, null=True)),
                        ("encryptedpasswd", blockalloc.fields.LatinTextField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name": "VM profile",
                        "db_table": "vmprofile",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="VmHost",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        (
                            "computer",
                            models.ForeignKey(
                                db_column="computerid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="vmhosts",
                                to="blockalloc.computer",
                            ),
                        ),
                        (
                            "vmprofile",
                            models.ForeignKey(
                                db_column="vmprofileid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.vmprofile",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "VM host",
                        "db_table": "vmhost",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ManagementNode",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("IPaddress", blockalloc.fields.LatinField(blank=True, default="", max_length=15)),
                        ("hostname", blockalloc.fields.LatinField(blank=True, default="", max_length=50, unique=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                db_column="ownerid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.user",
                            ),
                        ),
                        (
                            "state",
                            models.ForeignKey(
                                db_column="stateid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.state",
                            ),
                        ),
                        ("lastcheckin", blockalloc.fields.CheckInField(blank=True, null=True)),
                        ("checkininterval", blockalloc.fields.TinyField(default=12)),
                        ("installpath", blockalloc.fields.LatinField(default="/install", max_length=100)),
                        ("imagelibenable", blockalloc.fields.TinyField(default=0)),
                        (
                            "imagelibgroup",
                            models.ForeignKey(
                                blank=True,
                                db_column="imagelibgroupid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.resourcegroup",
                            ),
                        ),
                        (
                            "imagelibuser",
                            blockalloc.fields.LatinField(blank=True, default="vclstaff", max_length=20, null=True),
                        ),
                        (
                            "imagelibkey",
                            blockalloc.fields.LatinField(
                                blank=True, default="/etc/vcl/imagelib.key", max_length=100, null=True
                            ),
                        ),
                        ("keys", blockalloc.fields.LatinField(blank=True, max_length=1024, null=True)),
                        ("sshport", blockalloc.fields.SmallField(default=22)),
                        (
                            "publicIPconfiguration",
                            blockalloc.fields.EnumField(
                                default="dynamicDHCP", words=("dynamicDHCP", "manualDHCP", "static")
                            ),
                        ),
                        ("publicSubnetMask", blockalloc.fields.LatinField(blank=True, max_length=56, null=True)),
                        ("publicDefaultGateway", blockalloc.fields.LatinField(blank=True, max_length=56, null=True)),
                        ("publicDNSserver", blockalloc.fields.LatinField(blank=True, max_length=56, null=True)),
                        ("sysadminEmailAddress", blockalloc.fields.LatinField(blank=True, max_length=128, null=True)),
                        ("sharedMailBox", blockalloc.fields.LatinField(blank=True, max_length=128, null=True)),
                        ("NOT_STANDALONE", blockalloc.fields.LatinField(blank=True, max_length=128, null=True)),
                        ("availablenetworks", blockalloc.fields.LatinTextField(blank=True)),
                    ],
                    options={
                        "db_table": "managementnode",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ResourceType",
                    fields=[
                        ("id", blockalloc.fields.TinyKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(blank=True, default="", max_length=50, unique=True)),
                    ],
                    options={
                        "db_table": "resourcetype",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Resource",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        (
                            "resourcetype",
                            models.ForeignKey(
                                db_column="resourcetypeid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.resourcetype",
                            ),
                        ),
                        ("subid", blockalloc.fields.MediumField(default=0)),
                    ],
                    options={
                        "db_table": "resource",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ResourceGroup",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(blank=True, default="", max_length=60)),
                        (
                            "ownerusergroup",
                            models.ForeignKey(
                                db_column="ownerusergroupid",
                                default=39,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.usergroup",
                            ),
                        ),
                        (
                            "resourcetype",
                            models.ForeignKey(
                                db_column="resourcetypeid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.resourcetype",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "resourcegroup",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ResourceGroupMember",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "resource_id",
                                "resourcegroup_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "resource",
                            models.ForeignKey(
                                db_column="resourceid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.resource",
                            ),
                        ),
                        (
                            "resourcegroup",
                            models.ForeignKey(
                                db_column="resourcegroupid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.resourcegroup",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "resourcegroupmembers",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ResourceMap",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "resourcegroup1_id",
                                "resourcegroup2_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "resourcegroup1",
                            models.ForeignKey(
                                db_column="resourcegroupid1",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.resourcegroup",
                            ),
                        ),
                        (
                            "resourcetype1",
                            models.ForeignKey(
                                db_column="resourcetypeid1",
                                default=13,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.resourcetype",
                            ),
                        ),
                        (
                            "resourcegroup2",
                            models.ForeignKey(
                                db_column="resourcegroupid2",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="resourcemap2_set",
                                to="blockalloc.resourcegroup",
                            ),
                        ),
                        (
                            "resourcetype2",
                            models.ForeignKey(
                                db_column="resourcetypeid2",
                                default=12,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="resourcemap2_set",
                                to="blockalloc.resourcetype",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "resource mapping",
                        "db_table": "resourcemap",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="PrivNode",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        (
                            "parent",
                            models.ForeignKey(
                                db_column="parent",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.privnode",
                            ),
                        ),
                        ("name", blockalloc.fields.LatinField(blank=True, default="", max_length=50)),
                    ],
                    options={
                        "verbose_name": "privilege node",
                        "db_table": "privnode",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ResourcePriv",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        (
                            "resourcegroup",
                            models.ForeignKey(
                                db_column="resourcegroupid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.resourcegroup",
                            ),
                        ),
                        (
                            "privnode",
                            models.ForeignKey(
                                db_column="privnodeid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.privnode",
                            ),
                        ),
                        (
                            "type",
                            blockalloc.fields.EnumField(
                                default="block",
                                words=("block", "cascade", "available", "administer", "manageGroup", "manageMapping"),
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "resource privilege",
                        "db_table": "resourcepriv",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="UserPrivType",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(blank=True, default="", max_length=50, unique=True)),
                    ],
                    options={
                        "verbose_name": "privilege type",
                        "db_table": "userprivtype",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="UserPriv",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        (
                            "user",
                            models.ForeignKey(
                                blank=True,
                                db_column="userid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.user",
                            ),
                        ),
                        (
                            "usergroup",
                            models.ForeignKey(
                                blank=True,
                                db_column="usergroupid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.usergroup",
                            ),
                        ),
                        (
                            "privnode",
                            models.ForeignKey(
                                db_column="privnodeid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.privnode",
                            ),
                        ),
                        (
                            "userprivtype",
                            models.ForeignKey(
                                db_column="userprivtypeid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.userprivtype",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "user privilege",
                        "db_table": "userpriv",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Request",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        (
                            "state",
                            models.ForeignKey(
                                db_column="stateid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.state",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                db_column="userid", on_delete=django.db.models.deletion.DO_NOTHING, to="blockalloc.user"
                            ),
                        ),
                        (
                            "laststate",
                            models.ForeignKey(
                                db_column="laststateid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="request_laststate_set",
                                to="blockalloc.state",
                            ),
                        ),
                        (
                            "log",
                            models.ForeignKey(
                                blank=True,
                                db_column="logid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.log",
                            ),
                        ),
                        ("forimaging", blockalloc.fields.TinyField(default=0)),
                        ("test", blockalloc.fields.TinyField(default=0)),
                        ("preload", blockalloc.fields.TinyField(default=0)),
                        ("start", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("end", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("daterequested", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("datemodified", blockalloc.fields.LocalTimeField(blank=True, null=True)),
                        ("checkuser", blockalloc.fields.TinyField(default=1)),
                    ],
                    options={
                        "db_table": "request",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Reservation",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        (
                            "request",
                            models.ForeignKey(
                                db_column="requestid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.request",
                            ),
                        ),
                        (
                            "computer",
                            models.ForeignKey(
                                db_column="computerid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.computer",
                            ),
                        ),
                        (
                            "image",
                            models.ForeignKey(
                                db_column="imageid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.image",
                            ),
                        ),
                        (
                            "imagerevision",
                            models.ForeignKey(
                                db_column="imagerevisionid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.imagerevision",
                            ),
                        ),
                        (
                            "managementnode",
                            models.ForeignKey(
                                db_column="managementnodeid",
                                default=1,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.managementnode",
                            ),
                        ),
                        ("remoteIP", blockalloc.fields.LatinField(blank=True, max_length=15, null=True)),
                        ("lastcheck", blockalloc.fields.ZeroLocalTimeField(blank=True, null=True)),
                        ("pw", blockalloc.fields.LatinField(blank=True, max_length=40, null=True)),
                        ("connectIP", blockalloc.fields.LatinField(blank=True, max_length=15, null=True)),
                        ("connectport", blockalloc.fields.SmallField(blank=True, null=True)),
                    ],
                    options={
                        "db_table": "reservation",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Semaphore",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "computer_id", "procid", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "computer",
                            models.ForeignKey(
                                db_column="computerid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.computer",
                            ),
                        ),
                        (
                            "image",
                            models.ForeignKey(
                                db_column="imageid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.image",
                            ),
                        ),
                        (
                            "imagerevision",
                            models.ForeignKey(
                                db_column="imagerevisionid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.imagerevision",
                            ),
                        ),
                        (
                            "managementnode",
                            models.ForeignKey(
                                db_column="managementnodeid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.managementnode",
                            ),
                        ),
                        ("expires", blockalloc.fields.InstantField(default=django.utils.timezone.now)),
                        ("procid", blockalloc.fields.LatinField(max_length=255)),
                    ],
                    options={
                        "db_table": "semaphore",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="SiteMaintenance",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("start", blockalloc.fields.LocalTimeField()),
                        ("end", blockalloc.fields.LocalTimeField()),
                        ("ownerid", blockalloc.fields.MediumField()),
                        ("created", blockalloc.fields.LocalTimeField()),
                        ("reason", blockalloc.fields.LatinTextField(blank=True, null=True)),
                        ("usermessage", blockalloc.fields.LatinTextField()),
                        ("informhoursahead", blockalloc.fields.SmallField()),
                        ("allowreservations", blockalloc.fields.TinyField()),
                    ],
                    options={
                        "verbose_name": "site maintenance",
                        "db_table": "sitemaintenance",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Log",
                    fields=[
                        ("id", blockalloc.fields.IntKey(primary_key=True, serialize=False)),
                        (
                            "user",
                            models.ForeignKey(
                                db_column="userid", on_delete=django.db.models.deletion.DO_NOTHING, to="blockalloc.user"
                            ),
                        ),
                        ("nowfuture", blockalloc.fields.EnumField(default="now", words=("now", "future"))),
                        ("start", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("loaded", blockalloc.fields.LocalTimeField(blank=True, null=True)),
                        ("initialend", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("finalend", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("wasavailable", blockalloc.fields.TinyField(default=0)),
                        (
                            "ending",
                            blockalloc.fields.EnumField(
                                default="none",
                                words=(
                                    "deleted",
                                    "released",
                                    "failed",
                                    "failedtest",
                                    "noack",
                                    "nologin",
                                    "timeout",
                                    "EOR",
                                    "none",
                                ),
                            ),
                        ),
                        ("requestid", blockalloc.fields.MediumField(blank=True, null=True)),
                        (
                            "computer",
                            models.ForeignKey(
                                blank=True,
                                db_column="computerid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.computer",
                            ),
                        ),
                        ("remoteIP", blockalloc.fields.LatinField(blank=True, max_length=15, null=True)),
                        (
                            "image",
                            models.ForeignKey(
                                db_column="imageid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.image",
                            ),
                        ),
                        ("size", blockalloc.fields.SmallField(default=1450)),
                    ],
                    options={
                        "verbose_name": "log entry",
                        "verbose_name_plural": "log entries",
                        "db_table": "log",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Sublog",
                    fields=[
                        ("id", blockalloc.fields.IntKey(primary_key=True, serialize=False)),
                        (
                            "log",
                            models.ForeignKey(
                                db_column="logid", on_delete=django.db.models.deletion.DO_NOTHING, to="blockalloc.log"
                            ),
                        ),
                        (
                            "image",
                            models.ForeignKey(
                                db_column="imageid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.image",
                            ),
                        ),
                        (
                            "imagerevision",
                            models.ForeignKey(
                                db_column="imagerevisionid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.imagerevision",
                            ),
                        ),
                        (
                            "computer",
                            models.ForeignKey(
                                db_column="computerid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.computer",
                            ),
                        ),
                        ("IPaddress", blockalloc.fields.LatinField(blank=True, max_length=15, null=True)),
                        (
                            "managementnode",
                            models.ForeignKey(
                                db_column="managementnodeid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.managementnode",
                            ),
                        ),
                        (
                            "predictivemodule",
                            models.ForeignKey(
                                db_column="predictivemoduleid",
                                default=8,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.module",
                            ),
                        ),
                        (
                            "hostcomputer",
                            models.ForeignKey(
                                blank=True,
                                db_column="hostcomputerid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="sublog_hostcomputer_set",
                                to="blockalloc.computer",
                            ),
                        ),
                        (
                            "blockRequest",
                            models.ForeignKey(
                                blank=True,
                                db_column="blockRequestid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.blockrequest",
                            ),
                        ),
                        ("blockStart", blockalloc.fields.LocalTimeField(blank=True, null=True)),
                        ("blockEnd", blockalloc.fields.LocalTimeField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name": "sublog entry",
                        "verbose_name_plural": "sublog entries",
                        "db_table": "sublog",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ChangeLog",
                    fields=[
                        ("id", blockalloc.fields.IntKey(primary_key=True, serialize=False)),
                        (
                            "log",
                            models.ForeignKey(
                                db_column="logid", on_delete=django.db.models.deletion.DO_NOTHING, to="blockalloc.log"
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                blank=True,
                                db_column="userid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.user",
                            ),
                        ),
                        ("reservationid", blockalloc.fields.MediumField(blank=True, null=True)),
                        ("start", blockalloc.fields.LocalTimeField(blank=True, null=True)),
                        ("end", blockalloc.fields.LocalTimeField(blank=True, null=True)),
                        (
                            "computer",
                            models.ForeignKey(
                                blank=True,
                                db_column="computerid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.computer",
                            ),
                        ),
                        ("remoteIP", blockalloc.fields.LatinField(blank=True, max_length=15, null=True)),
                        ("wasavailable", blockalloc.fields.TinyField(blank=True, null=True)),
                        ("timestamp", blockalloc.fields.ZeroLocalTimeField(blank=True)),
                        ("other", blockalloc.fields.LatinField(blank=True, max_length=255, null=True)),
                    ],
                    options={
                        "verbose_name": "changelog entry",
                        "verbose_name_plural": "changelog entries",
                        "db_table": "changelog",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ComputerLoadState",
                    fields=[
                        ("id", blockalloc.fields.SmallKey(primary_key=True, serialize=False)),
                        ("loadstatename", blockalloc.fields.LatinField(max_length=24, unique=True)),
                        ("prettyname", blockalloc.fields.LatinField(blank=True, max_length=50, null=True)),
                        ("est", blockalloc.fields.TinyField(blank=True, null=True)),
                    ],
                    options={
                        "db_table": "computerloadstate",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ComputerLoadLog",
                    fields=[
                        ("id", blockalloc.fields.IntKey(primary_key=True, serialize=False)),
                        (
                            "reservation",
                            models.ForeignKey(
                                db_column="reservationid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.reservation",
                            ),
                        ),
                        (
                            "computer",
                            models.ForeignKey(
                                db_column="computerid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.computer",
                            ),
                        ),
                        (
                            "loadstate",
                            models.ForeignKey(
                                db_column="loadstateid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.computerloadstate",
                            ),
                        ),
                        ("timestamp", blockalloc.fields.LocalTimeField(blank=True, null=True)),
                        ("additionalinfo", blockalloc.fields.LatinTextField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name": "load log entry",
                        "verbose_name_plural": "load log entries",
                        "db_table": "computerloadlog",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="ServerRequest",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=255)),
                        ("serverprofileid", blockalloc.fields.SmallField(default=0)),
                        (
                            "request",
                            models.OneToOneField(
                                db_column="requestid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.request",
                            ),
                        ),
                        ("fixedIP", blockalloc.fields.LatinField(blank=True, max_length=15, null=True)),
                        ("fixedMAC", blockalloc.fields.LatinField(blank=True, max_length=17, null=True)),
                        (
                            "admingroup",
                            models.ForeignKey(
                                blank=True,
                                db_column="admingroupid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.usergroup",
                            ),
                        ),
                        (
                            "logingroup",
                            models.ForeignKey(
                                blank=True,
                                db_column="logingroupid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="serverrequest_logingroup_set",
                                to="blockalloc.usergroup",
                            ),
                        ),
                        ("monitored", blockalloc.fields.TinyField(default=0)),
                    ],
                    options={
                        "db_table": "serverrequest",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="BlockRequest",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        ("name", blockalloc.fields.LatinField(max_length=80)),
                        (
                            "image",
                            models.ForeignKey(
                                db_column="imageid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.image",
                            ),
                        ),
                        ("numMachines", blockalloc.fields.TinyField()),
                        (
                            "group",
                            models.ForeignKey(
                                blank=True,
                                db_column="groupid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.usergroup",
                            ),
                        ),
                        (
                            "repeating",
                            blockalloc.fields.EnumField(default="weekly", words=("weekly", "monthly", "list")),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                db_column="ownerid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.user",
                            ),
                        ),
                        (
                            "managementnode",
                            models.ForeignKey(
                                blank=True,
                                db_column="managementnodeid",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.managementnode",
                            ),
                        ),
                        ("expireTime", blockalloc.fields.LocalTimeField()),
                        ("processing", blockalloc.fields.TinyField(default=0)),
                        (
                            "status",
                            blockalloc.fields.EnumField(
                                default="accepted", words=("requested", "accepted", "completed", "rejected", "deleted")
                            ),
                        ),
                        ("comments", blockalloc.fields.LatinTextField(blank=True, null=True)),
                    ],
                    options={
                        "db_table": "blockRequest",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="BlockTime",
                    fields=[
                        ("id", blockalloc.fields.MediumKey(primary_key=True, serialize=False)),
                        (
                            "blockRequest",
                            models.ForeignKey(
                                db_column="blockRequestid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.blockrequest",
                            ),
                        ),
                        ("start", blockalloc.fields.LocalTimeField()),
                        ("end", blockalloc.fields.LocalTimeField()),
                        ("processed", blockalloc.fields.TinyField(default=0)),
                        ("skip", blockalloc.fields.TinyField(default=0)),
                    ],
                    options={
                        "db_table": "blockTimes",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="BlockComputer",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "blockTime_id",
                                "computer_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "blockTime",
                            models.ForeignKey(
                                db_column="blockTimeid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.blocktime",
                            ),
                        ),
                        (
                            "computer",
                            models.ForeignKey(
                                db_column="computerid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.computer",
                            ),
                        ),
                        (
                            "image",
                            models.ForeignKey(
                                db_column="imageid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.image",
                            ),
                        ),
                        ("reloadrequestid", blockalloc.fields.MediumField(default=0)),
                    ],
                    options={
                        "db_table": "blockComputers",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="BlockWebDate",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "blockRequest_id",
                                "start",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "blockRequest",
                            models.ForeignKey(
                                db_column="blockRequestid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.blockrequest",
                            ),
                        ),
                        ("start", models.DateField()),
                        ("end", models.DateField()),
                        ("days", blockalloc.fields.TinyField(blank=True, null=True)),
                        ("weeknum", blockalloc.fields.TinyField(blank=True, null=True)),
                    ],
                    options={
                        "db_table": "blockWebDate",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="BlockWebTime",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "blockRequest_id",
                                "order",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "blockRequest",
                            models.ForeignKey(
                                db_column="blockRequestid",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="blockalloc.blockrequest",
                            ),
                        ),
                        ("starthour", blockalloc.fields.TinyField()),
                        ("startminute", blockalloc.fields.TinyField()),
                        ("startmeridian", blockalloc.fields.EnumField(words=("am", "pm"))),
                        ("endhour", blockalloc.fields.TinyField()),
                        ("endminute", blockalloc.fields.TinyField()),
                        ("endmeridian", blockalloc.fields.EnumField(words=("am", "pm"))),
                        ("order", blockalloc.fields.TinyField()),
                    ],
                    options={
                        "db_table": "blockWebTime",
                        "managed": False,
                    },
                ),
            ],
        ),
    ]
