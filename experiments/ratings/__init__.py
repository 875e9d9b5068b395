"""Human ratings without a database: what is asked, what is drawn, who gets what next, and how good the raters are."""
