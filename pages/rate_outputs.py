"""Rate answers: the only page of a rater, who came by a link."""

from pages.components.empty import show_empty
from pages.components.rate.component import rating_screen
from pages.components.rate.rating_visit import is_rater

if is_rater():
    rating_screen()
else:
    show_empty("Nothing to rate", "You will get a link when a session opens.")
