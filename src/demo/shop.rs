//! A visit to the shop: looking around, a cart, perhaps an order, perhaps a film about teapots.

use serde_json::{Value, json};

use super::scene::Scene;
use super::sent::money;
use super::words::{CAMPAIGNS, PRODUCTS, SEARCHES, VIDEOS};

/// Plays one visit.
pub(super) fn visit(scene: &mut Scene<'_>) {
    arrive(scene);
    let will_join = !scene.person.is_known && scene.person.user_id.is_some() && scene.person.joins <= scene.at;
    if will_join {
        sign_up(scene);
    } else if scene.person.is_known && (!scene.device.is_used || scene.chance.percent(30)) {
        scene.identify();
    }
    browse(scene);
    if scene.chance.percent(9) {
        watch(scene);
    }
    if !scene.person.cart.is_empty() && scene.chance.percent(70) {
        check_out(scene);
    }
    if scene.is_phone() {
        scene.wait(2, 40);
        scene.track("Application Backgrounded", json!({}));
    }
}

fn arrive(scene: &mut Scene<'_>) {
    if scene.is_phone() {
        let version = json!({"version": "3.4.0", "build": "340"});
        if !scene.device.is_used {
            scene.track("Application Installed", version.clone());
            scene.wait(1, 3);
        } else if scene.chance.percent(4) {
            scene
                .track("Application Updated", json!({"previous_version": "3.3.1", "version": "3.4.0", "build": "340"}));
        } else if scene.chance.percent(12) {
            let (name, ..) = scene.chance.pick(CAMPAIGNS);
            scene.track("Push Notification Tapped", json!({"action": "open", "campaign": {"name": name}}));
        }
        let from_background = scene.chance.percent(40);
        scene.track(
            "Application Opened",
            json!({"from_background": from_background, "version": "3.4.0", "build": "340"}),
        );
        scene.wait(1, 3);
    } else if scene.chance.percent(22) {
        let (name, source, medium) = scene.chance.pick(CAMPAIGNS);
        scene.campaign = Some(json!({"name": name, "source": source, "medium": medium}));
    }
    scene.open(None, "Home", "/");
    if scene.chance.percent(8) {
        let variation = scene.chance.pick(&["Quiet", "Bold"]);
        scene.track(
            "Experiment Viewed",
            json!({"experiment_id": "exp-7", "experiment_name": "Front Door", "variation_name": variation}),
        );
    }
}

fn sign_up(scene: &mut Scene<'_>) {
    scene.wait(10, 50);
    scene.open(None, "Join", "/join");
    scene.wait(15, 60);
    (scene.person.is_known, scene.person.joins) = (true, scene.at);
    scene.identify();
    let (name, email) = (scene.person.name.clone(), scene.person.email.clone());
    scene.track("Signed Up", json!({"type": "shop", "username": name, "email": email}));
}

fn browse(scene: &mut Scene<'_>) {
    scene.wait(3, 25);
    if scene.chance.percent(35) {
        let query = *scene.chance.pick(SEARCHES);
        scene.open(None, "Search", "/search");
        scene.track("Products Searched", json!({"query": query}));
    } else {
        let (_, _, category, _) = *scene.chance.pick(PRODUCTS);
        scene.open(Some("Shop"), category, &format!("/shop/{}", category.to_lowercase()));
        let listed = PRODUCTS.iter().filter(|product| product.2 == category);
        let products: Vec<Value> = listed.map(|(id, name, ..)| json!({"product_id": id, "name": name})).collect();
        scene.track("Product List Viewed", json!({"list_id": category, "category": category, "products": products}));
    }
    for _ in 0..scene.chance.between(1, 4) {
        scene.wait(5, 70);
        let place = scene.chance.place(PRODUCTS.len());
        let Some((id, name, ..)) = PRODUCTS.get(place) else { continue };
        scene.open(Some("Product"), name, &format!("/p/{id}"));
        scene.track("Product Viewed", item(place, None));
        scene.wait(4, 60);
        if scene.chance.percent(27) {
            let quantity = scene.chance.between(1, 3);
            scene.person.cart.push((place, quantity));
            scene.track("Product Added", item(place, Some(quantity)));
        } else if scene.chance.percent(6) {
            scene.track("Product Added to Wishlist", item(place, None));
        }
    }
}

fn check_out(scene: &mut Scene<'_>) {
    let cart = &scene.person.cart;
    let products: Vec<Value> = cart.iter().map(|(place, quantity)| item(*place, Some(*quantity))).collect();
    let cents = |(place, quantity): &(usize, u32)| PRODUCTS.get(*place).map_or(0, |product| product.3 * quantity);
    let value: u32 = cart.iter().map(cents).sum();
    scene.wait(3, 30);
    scene.open(None, "Cart", "/cart");
    scene.track("Cart Viewed", json!({"products": products}));
    if scene.person.is_known && scene.chance.percent(80) {
        let order_id = format!("Q{}", scene.chance.between(100_000, 999_999));
        scene.wait(6, 40);
        let order = |shipping: u32| {
            json!({
                "order_id": order_id, "currency": "EUR", "value": money(value), "revenue": money(value),
                "shipping": money(shipping), "total": money(value + shipping), "products": products,
            })
        };
        let shipping = if value > 6_000 { 0 } else { 490 };
        scene.track("Checkout Started", order(shipping));
        scene.wait(20, 120);
        if scene.chance.percent(88) {
            scene.track("Payment Info Entered", json!({"order_id": order_id, "payment_method": "invoice"}));
            scene.wait(5, 40);
        }
        if scene.chance.percent(78) {
            scene.server_says("track", json!({"event": "Order Completed", "properties": order(shipping)}));
            scene.person.cart.clear();
            if !scene.is_phone() && scene.chance.percent(4) {
                scene.wait(600, 5_000);
                let refund = json!({"order_id": order_id, "total": money(value), "currency": "EUR"});
                scene.server_says("track", json!({"event": "Order Refunded", "properties": refund}));
            }
        }
    }
}

/// A film with a heartbeat every ten seconds.
fn watch(scene: &mut Scene<'_>) {
    let (asset, title, length) = *scene.chance.pick(VIDEOS);
    let session = scene.chance.id();
    let at = |position: u32| json!({"session_id": session, "asset_id": asset, "title": title, "position": position, "total_length": length});
    scene.open(Some("Film"), title, &format!("/films/{asset}"));
    scene.track("Video Playback Started", at(0));
    scene.track("Video Content Started", at(0));
    let until = if scene.chance.percent(60) { length } else { scene.chance.between(10, length) };
    for position in (10..until).step_by(10) {
        scene.wait(10, 10);
        scene.track("Video Content Playing", at(position));
    }
    scene.wait(3, 9);
    if until == length {
        scene.track("Video Content Completed", at(length));
        scene.track("Video Playback Completed", at(length));
    } else {
        scene.track("Video Playback Paused", at(until));
    }
}

fn item(place: usize, quantity: Option<u32>) -> Value {
    let Some((id, name, category, cents)) = PRODUCTS.get(place) else { return Value::Null };
    let mut item = json!({
        "product_id": id, "name": name, "category": category, "price": money(*cents), "currency": "EUR",
    });
    if let (Some(quantity), Some(members)) = (quantity, item.as_object_mut()) {
        members.insert("quantity".to_owned(), json!(quantity));
    }
    item
}
