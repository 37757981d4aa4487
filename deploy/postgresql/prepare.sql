-- Once per environment, as an administrator, in the shop's database (PostgreSQL 17 or newer). The login `shop` is the one in
-- DATABASE_URL; use its real name. Each module owns one schema through a role without login, which `shop` takes on.

-- docs:preparation

CREATE ROLE "banyan_inventory" NOLOGIN;
GRANT "banyan_inventory" TO "shop" WITH SET TRUE;
CREATE SCHEMA "inventory" AUTHORIZATION "banyan_inventory";
CREATE ROLE "banyan_orders" NOLOGIN;
GRANT "banyan_orders" TO "shop" WITH SET TRUE;
CREATE SCHEMA "orders" AUTHORIZATION "banyan_orders";
CREATE ROLE "banyan_payments" NOLOGIN;
GRANT "banyan_payments" TO "shop" WITH SET TRUE;
CREATE SCHEMA "payments" AUTHORIZATION "banyan_payments";
CREATE ROLE "banyan_users" NOLOGIN;
GRANT "banyan_users" TO "shop" WITH SET TRUE;
CREATE SCHEMA "users" AUTHORIZATION "banyan_users";

-- docs:end
