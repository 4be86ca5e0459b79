"""Knowledge of insights for both services that show them."""
