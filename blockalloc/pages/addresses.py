"""The URLs of our pages, below the admin's own."""

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path

from blockalloc.pages import duty, feed_addresses, row_id  # noqa: F401 - row_id: registers the converter
from blockalloc.pages.actions import act
from blockalloc.pages.load_times import load_times, load_times_csv
from blockalloc.pages.my_notifications import my_notifications
from blockalloc.pages.notifications import send_message_again
from blockalloc.pages.plan_series import plan_series
from blockalloc.pages.predictions import predictions
from blockalloc.pages.putting_right import put_right_several
from blockalloc.pages.roster import roster, roster_csv
from blockalloc.pages.semester import semester, semester_csv
from blockalloc.pages.timeline.page import timeline
from blockalloc.pages.week.view import week
from blockalloc.pages.what_would_help import what_would_help


def patterns(site: AdminSite) -> list[URLPattern]:
    """All of them. Without a sign-in they redirect to the sign-in page; permissions are checked by the views."""
    return [
        path("blockalloc/blocktime/put-right/", site.admin_view(put_right_several), name="put_right"),
        path(
            "blockalloc/blocktime/<row_id:block_time_id>/do/<slug:name>/", site.admin_view(act), name="blocktime_action"
        ),
        path(
            "blockalloc/blocktime/<row_id:block_time_id>/help/",
            site.admin_view(what_would_help),
            name="what_would_help",
        ),
        path("blockalloc/blocktime/<row_id:block_time_id>/roster/", site.admin_view(roster), name="roster"),
        path("blockalloc/blocktime/<row_id:block_time_id>/roster.csv", site.admin_view(roster_csv), name="roster_csv"),
        path("blockalloc/image/<row_id:image_id>/load-times/", site.admin_view(load_times), name="load_times"),
        path(
            "blockalloc/image/<row_id:image_id>/load-times.csv", site.admin_view(load_times_csv), name="load_times_csv"
        ),
        path("timeline/", site.admin_view(timeline), name="timeline"),
        path("plan-series/", site.admin_view(plan_series), name="plan_series"),
        path("today/", site.admin_view(duty.today), name="today"),
        path("week/", site.admin_view(week), name="week"),
        path("predictions/", site.admin_view(predictions), name="predictions"),
        path("semester/", site.admin_view(semester), name="semester"),
        path("semester.csv", site.admin_view(semester_csv), name="semester_csv"),
        path(
            "blockalloc/message/<row_id:message_id>/send-again/",
            site.admin_view(send_message_again),
            name="send_message_again",
        ),
        path("notifications/mine/", site.admin_view(my_notifications), name="my_notifications"),
        path("feeds/", site.admin_view(feed_addresses.addresses), name="feeds"),
        path("feeds/find/", site.admin_view(feed_addresses.find), name="find_feed"),
        path("feeds/<row_id:feed_id>/revoke/", site.admin_view(feed_addresses.revoke), name="revoke_feed"),
        path(
            "feeds/before/<slug:group>/<slug:affiliation>/revoke/",
            site.admin_view(feed_addresses.revoke_signed),
            name="revoke_signed_feed",
        ),
    ]
