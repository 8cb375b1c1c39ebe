"""What was promised with an order."""

import sqlalchemy as sa
from alembic import op

from platform_core.plugin_api import UTCDateTime, wall

revision = "access_guarantee_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_guarantee_grant",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_access_guarantee_grant")),
        sa.UniqueConstraint(
            "tenant_id", "order_id", name=op.f("uq_access_guarantee_grant_tenant_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["order.tenant_id", "order.id"],
            name=op.f("fk_access_guarantee_grant_tenant_id_order_id"),
            ondelete="RESTRICT",
        ),
    )
    wall(op, "access_guarantee_grant")


def downgrade() -> None:
    op.drop_table("access_guarantee_grant")
