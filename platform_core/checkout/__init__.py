"""From the cart to the receipt: what people put aside, the steps of an order, and what they have ordered."""

from typing import Any

from platform_core.accounts import SignedIn


def includeme(config: Any) -> None:
    """Register cart, checkout, receipt and Orders & Downloads."""
    from platform_core.checkout import cart, cart_views, cleaning

    config.add_request_method(cart_views.cart_count, reify=True)
    config.add_personal_numbers("cart", cart.count_select)
    config.add_job_handler(cleaning.JOB, cleaning.forget_left)
    config.add_subscriber(cart_views.on_signed_in, SignedIn)
    config.add_route("cart", "/cart", site="store")
    config.add_route("cart_line", "/cart/lines/{product}/{variant}", site="store")
    config.add_route("checkout", "/checkout", site="store")
    config.add_route("checkout_review", "/checkout/{token}", site="store")
    config.add_route("account_orders", "/account/orders", site="store")
    config.add_route("order", "/orders/{number}", site="store")
    config.add_route("order_download", "/orders/{number}/downloads/{token}", site="store")
    config.add_route("order_file", "/orders/{number}/files/{token}", site="store")
    config.add_route("picture", "/pictures/{slug}/{pattern}-{monogram}.svg", site="store")
    for views in ("cart_views", "checkout_views", "receipt_views"):
        config.scan(f"platform_core.checkout.{views}")
