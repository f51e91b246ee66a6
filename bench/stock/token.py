"""`python -m bench.stock.token`: creates DRF's token tables and prints a new user's token."""

import django
from django.core.management import call_command


def main() -> None:
    """Print the token."""
    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 - after setup
    from rest_framework.authtoken.models import Token  # noqa: PLC0415

    call_command("migrate", "authtoken", verbosity=0)
    user, _ = User.objects.get_or_create(username="bench")
    print(Token.objects.get_or_create(user=user)[0].key)


if __name__ == "__main__":
    main()
