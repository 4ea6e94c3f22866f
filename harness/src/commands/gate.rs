//! `shakedown contract publish|can-i-deploy|record-deployment`: what pipelines tell and ask the contract broker.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::broker::{PlacementKind, Publication};
use contracts::gate::{Decision, Version};
use serde_json::json;

use super::Description;
use super::brokered::open;
use crate::cli::{CanIDeployArgs, DeploymentArgs, Format, PublishArgs};
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::print;

/// Publishes every pact of a directory: all those of one consumer together, so that none of them is half published.
pub(super) async fn publish(config: &Description, format: Format, args: PublishArgs) -> Result<Exit, Error> {
    let directory = match args.pacts {
        Some(directory) => directory,
        None => {
            let config = config.load()?;
            let file = config.file.clone();
            config.contracts.map(|contracts| contracts.pacts).ok_or(Error::Missing { file, section: "[contracts]" })?
        }
    };
    // Read as strictly as for verification: what cannot be verified is not published.
    let pacts = contracts::store::load_dir(&directory).map_err(|e| Error::failed("nothing was published", e))?;
    let mut publications: BTreeMap<&str, Publication> = BTreeMap::new();
    for pact in &pacts {
        let bytes = std::fs::read(&pact.path)
            .map_err(|e| Error::failed(format!("cannot read `{}`", pact.path.display()), e))?;
        let publication = publications.entry(&pact.consumer).or_insert_with(|| Publication {
            consumer: pact.consumer.clone(),
            version: args.version.clone(),
            branch: args.branch.clone(),
            tags: args.tags.clone(),
            build_url: args.build_url.clone(),
            pacts: Vec::new(),
        });
        publication.pacts.push(bytes);
    }
    let broker = open(args.address).await?;
    let mut told = Vec::new();
    for publication in publications.values() {
        let doing = || format!("the pacts of `{}` were not published", publication.consumer);
        let published = broker.publish(publication).await.map_err(|e| Error::failed(doing(), e))?;
        told.extend(published.into_iter().map(|each| (publication.consumer.clone(), each)));
    }
    let result = match format {
        Format::Json => {
            let each = told.iter().map(|(consumer, each)| {
                json!({ "consumer": consumer, "provider": each.provider, "content": each.content, "new": each.new })
            });
            format!("{:#}", json!({ "version": args.version, "published": each.collect::<Vec<_>>() }))
        }
        Format::Human => told
            .iter()
            .map(|(consumer, each)| {
                let news = match each.new {
                    Some(true) => "new",
                    Some(false) => "unchanged",
                    None => "published",
                };
                format!("{consumer} ({}) with {}: {news}", args.version, each.provider)
            })
            .collect::<Vec<_>>()
            .join("\n"),
    };
    print::result(&result);
    Ok(Exit::Passed)
}

/// Whether a version may go to an environment: exit code 0 only for a yes.
pub(super) async fn can_i_deploy(format: Format, args: CanIDeployArgs) -> Result<Exit, Error> {
    let broker = open(args.address).await?;
    let version = Version::new(&args.pacticipant, &args.version);
    let mut retries = args.retry_while_unknown;
    let answer = loop {
        let answer = broker.can_i_deploy(&version, &args.to, &args.ignore).await;
        let answer = answer.map_err(|e| Error::failed("this cannot be answered", e))?;
        if answer.decision != Decision::Unknown || retries == 0 {
            break answer;
        }
        print::progress(&format!("not all is known yet, asking again in {} s ({retries} left)", args.retry_interval));
        retries -= 1;
        tokio::time::sleep(Duration::from_secs(args.retry_interval.into())).await;
    };
    let result = match format {
        Format::Json => {
            let document = json!({
                "deployable": answer.decision.is_yes(),
                "decision": answer.decision,
                "reasons": answer.reasons,
                "matrix": answer.rows,
            });
            format!("{document:#}")
        }
        Format::Human => answer.to_string(),
    };
    print::result(&result);
    Ok(if answer.decision.is_yes() { Exit::Passed } else { Exit::Failed })
}

/// Says that a version is in an environment now, which is made if need be only when it was asked for.
pub(super) async fn record_deployment(format: Format, args: DeploymentArgs) -> Result<Exit, Error> {
    let broker = open(args.address).await?;
    let failed = |error| Error::failed("the deployment was not recorded", error);
    if args.create_environment {
        broker.ensure_environment(&args.to).await.map_err(failed)?;
    }
    let version = Version::new(&args.pacticipant, &args.version);
    let kind = if args.released { PlacementKind::Released } else { PlacementKind::Deployed };
    let placement = broker.record_placement(kind, &version, &args.to, args.target.as_deref()).await.map_err(failed)?;
    print::result(&match format {
        Format::Json => format!("{:#}", json!({ "uuid": placement.id, "since": placement.created_at })),
        Format::Human => format!("{version} is in `{}` since {}", placement.environment, placement.created_at),
    });
    Ok(Exit::Passed)
}
