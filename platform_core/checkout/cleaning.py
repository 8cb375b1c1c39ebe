"""What people left behind: carts of browsers after thirty days, and checkouts that were never finished."""

import sqlalchemy as sa

from platform_core.checkout.cart import KEPT
from platform_core.checkout.models import Cart, CartLine, Checkout, CheckoutState
from platform_core.clock import Clock
from platform_core.db import TenantSession
from platform_core.jobs.queue import enqueue
from platform_core.tenancy.jobs import JobContext

JOB = "checkout.forget_left"
BATCH = 500


def ask_to_forget(session: TenantSession, clock: Clock) -> None:
    """Have the store's left things looked through when the first of them may have ended."""
    enqueue(session, clock, JOB, run_at=clock.wall() + KEPT, once="left")


def forget_left(job: JobContext) -> None:
    """Delete expired carts, and unfinished checkouts with the names and addresses in them; then ask again."""
    session, wall = job.session, job.clock.wall()
    expired = sa.select(Cart.id).where(Cart.expires_at <= wall).order_by(Cart.id).limit(BATCH)
    while ids := session.scalars(expired).all():
        for model, condition in ((CartLine, CartLine.cart_id.in_(ids)), (Cart, Cart.id.in_(ids))):
            session.execute(
                sa.delete(model).where(condition), execution_options={"synchronize_session": False}
            )
        job.commit()
    session.execute(
        sa.delete(Checkout).where(
            Checkout.state == CheckoutState.OPEN, Checkout.created_at <= job.clock.now() - KEPT
        ),
        execution_options={"synchronize_session": False},
    )
    left = session.scalar(
        sa.select(sa.func.count()).select_from(Cart).where(Cart.expires_at.is_not(None))
    ) or session.scalar(
        sa.select(sa.func.count()).select_from(Checkout).where(Checkout.state == CheckoutState.OPEN)
    )
    if left:
        job.enqueue(JOB, run_at=wall + KEPT / 10, once="left")
