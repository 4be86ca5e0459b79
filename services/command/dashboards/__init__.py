"""Dashboards: made and edited, with the insights whose tiles come and go with them."""
