//! `shakedown contract publish|can-i-deploy|record-deployment`: the contract broker's database, without its server.

use std::collections::BTreeMap;

use contracts::broker::{BrokerError, PlacementKind, Publication, Question, Store};
use contracts::gate::Version;
use serde_json::json;

use super::Description;
use crate::cli::{CanIDeployArgs, DeploymentArgs, Format, PublishArgs};
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::print;

async fn open(database: &str) -> Result<Store, Error> {
    Store::open(database).await.map_err(|e| Error::failed("the broker's database cannot be opened", e))
}

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
    let store = open(&args.database.database).await?;
    let mut told = Vec::new();
    for publication in publications.values() {
        let doing = || format!("the pacts of `{}` were not published", publication.consumer);
        let published = store.publish(publication).await.map_err(|e| Error::failed(doing(), e))?;
        told.extend(published.into_iter().map(|each| (publication.consumer.clone(), each)));
    }
    let result = match format {
        Format::Json => {
            let each = told.iter().map(|(consumer, each)| {
                json!({ "consumer": consumer, "provider": each.provider, "content": each.content, "new": !each.known })
            });
            format!("{:#}", json!({ "version": args.version, "published": each.collect::<Vec<_>>() }))
        }
        Format::Human => told
            .iter()
            .map(|(consumer, each)| {
                let news = if each.known { "unchanged" } else { "new" };
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
    let store = open(&args.database.database).await?;
    let question = Question { ignored: args.ignore, ..Question::deploy(&args.pacticipant, &args.version, &args.to) };
    let judgement = store.can_i_deploy(&question).await.map_err(|e| Error::failed("this cannot be answered", e))?;
    let result = match format {
        Format::Json => {
            let reasons: Vec<String> = judgement.reasons.iter().map(ToString::to_string).collect();
            let document = json!({
                "deployable": judgement.decision.is_yes(),
                "decision": judgement.decision,
                "reasons": reasons,
                "matrix": judgement.rows,
            });
            format!("{document:#}")
        }
        Format::Human => judgement.to_string(),
    };
    print::result(&result);
    Ok(if judgement.decision.is_yes() { Exit::Passed } else { Exit::Failed })
}

/// Says that a version is in an environment now, which is made if need be only when it was asked for.
pub(super) async fn record_deployment(format: Format, args: DeploymentArgs) -> Result<Exit, Error> {
    let store = open(&args.database.database).await?;
    let failed = |error| Error::failed("the deployment was not recorded", error);
    match store.environment(&args.to).await {
        Err(BrokerError::NotFound(_)) if args.create_environment => {
            store.create_environment(&args.to, &args.to, false).await.map_err(failed)?;
        }
        found => drop(found.map_err(failed)?),
    }
    let version = Version::new(&args.pacticipant, &args.version);
    let kind = if args.released { PlacementKind::Released } else { PlacementKind::Deployed };
    let placement = store.record_placement(kind, &version, &args.to, args.target.as_deref()).await.map_err(failed)?;
    print::result(&match format {
        Format::Json => format!("{:#}", json!({ "uuid": placement.id, "since": placement.created_at })),
        Format::Human => format!("{version} is in `{}` since {}", placement.environment, placement.created_at),
    });
    Ok(Exit::Passed)
}
