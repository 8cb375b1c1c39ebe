"""`webstore orders`."""

import json
from typing import Any

import click
import sqlalchemy as sa

from platform_core.accounts.models import Account
from platform_core.cli.context import Context, pass_context
from platform_core.events.models import Event
from platform_core.fulfilment.models import Entitlement
from platform_core.money import Money
from platform_core.orders.models import Order, OrderHold, OrderLine


@click.group()
def orders() -> None:
    """Orders, for whoever answers a question about one."""


@orders.command()
@click.argument("number")
@click.option("--store", "slug", required=True, help="The store's slug.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@pass_context
def show(context: Context, number: str, slug: str, as_json: bool) -> None:
    """Explain one order: its lines, what they wait for, its holds and its events. Shows no key and no address.

    Example: webstore orders show 7K2QM4XD9TB --store northfield
    """
    store = context.store(slug)
    with context.session(store.id, read_only=True) as session:
        order = session.scalars(sa.select(Order).where(Order.number == number.strip().upper())).one_or_none()
        if order is None:
            raise click.ClickException(
                f"found no order {number!r} in {slug}; the number stands on its receipt"
            )
        facts: dict[str, Any] = {
            "number": order.number,
            "state": order.state.value,
            "placed_at": order.placed_at.isoformat(),
            "account": session.scalars(
                sa.select(Account.username).where(Account.id == order.account_id)
            ).one(),
            "total": f"{Money(order.total, order.currency).decimal} {order.currency}",
            "lines": [
                {
                    "position": line.position,
                    "product": line.snapshot["slug"],
                    "quantity": line.quantity,
                    "state": line.state.value,
                    "entitlements": [
                        {"state": right.state.value, "access_until": _when(right.access_until)}
                        for right in session.scalars(
                            sa.select(Entitlement)
                            .where(Entitlement.line_id == line.id)
                            .order_by(Entitlement.unit)
                        )
                    ],
                }
                for line in session.scalars(
                    sa.select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
                )
            ],
            "holds": [
                {"kind": hold.kind.value, "since": hold.since.isoformat(), "outcome": hold.outcome}
                for hold in session.scalars(sa.select(OrderHold).where(OrderHold.order_id == order.id))
            ],
            "events": [
                {
                    "at": event.business_at.isoformat(),
                    "actor": event.actor,
                    "tag": event.tag,
                    "data": event.data,
                }
                for event in session.scalars(
                    sa.select(Event).where(Event.subject_id == order.id).order_by(Event.business_at, Event.id)
                )
            ],
        }
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(
        f"order {facts['number']}  {facts['state']}  {facts['total']}  by {facts['account']}  {facts['placed_at']}"
    )
    for line in facts["lines"]:
        click.echo(f"  {line['position']}. {line['product']} x {line['quantity']}  {line['state']}")
        for right in line["entitlements"]:
            click.echo(f"     {right['state']}, access until {right['access_until'] or 'no end'}")
    for hold in facts["holds"]:
        click.echo(f"  hold {hold['kind']} since {hold['since']}: {hold['outcome'] or 'open'}")
    for event in facts["events"]:
        click.echo(f"  {event['at']}  {event['tag']}  {event['actor']}")


def _when(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
