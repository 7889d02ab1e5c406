// A subscriber of a page: prints the events of topics as JSON lines, and goes on where it ended.
//
// npm install
// node subscribe.js --kafka HOST:PORT --registry URL --group NAME demo.core.situation demo.core.alert
"use strict";

const { parseArgs } = require("node:util");
const avro = require("avsc");
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require("kafkajs");
const Lz4 = require("kafkajs-lz4");

CompressionCodecs[CompressionTypes.LZ4] = new Lz4().codec;

const text = { type: "string" };
const { values: said, positionals: topics } = parseArgs({
  options: { kafka: text, registry: text, group: text, "until-end": { type: "boolean" } },
  allowPositionals: true,
});

/** Times as ISO 8601. */
class Time extends avro.types.LogicalType {
  _fromValue(value) {
    return new Date(value).toISOString().replace("Z", "+00:00");
  }
}

const types = new Map(); // a promise for each id: a schema is fetched once

function typeOf(id) {
  if (!types.has(id)) types.set(id, fetchedType(id));
  return types.get(id);
}

async function fetchedType(id) {
  const answer = await fetch(`${said.registry}/schemas/ids/${id}`);
  if (!answer.ok) throw new Error(`the registry answers ${answer.status} for the schema ${id}`);
  const schema = JSON.parse((await answer.json()).schema);
  return avro.Type.forSchema(schema, { logicalTypes: { "timestamp-millis": Time } });
}

async function decoded(frame) {
  if (frame[0] !== 0) throw new Error(`a record begins with 0, not with ${frame[0]}`);
  return shown((await typeOf(frame.readUInt32BE(1))).fromBuffer(frame.subarray(5)));
}

/** Bytes as base64. */
function shown(value) {
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (Array.isArray(value)) return value.map(shown);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shown(one)]));
}

async function print({ topic, partition, message }) {
  const event = {
    topic,
    partition,
    offset: Number(message.offset),
    key: (message.key ?? "").toString(),
    headers: Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, one]) => [name, String(one)])),
    value: message.value === null ? null : await decoded(message.value), // null: a tombstone
  };
  process.stdout.write(JSON.stringify(event) + "\n");
}

/** Calls back once everything that is there has been read: kafkajs has no event for it. */
async function atEnd(kafka, consumer, done) {
  const left = new Set();
  const { GROUP_JOIN, END_BATCH_PROCESS } = consumer.events;
  const read = (place) => left.delete(place) && left.size === 0 && done();
  consumer.on(END_BATCH_PROCESS, ({ payload: { topic, partition, lastOffset, highWatermark } }) => {
    if (BigInt(lastOffset) + 1n >= BigInt(highWatermark)) read(`${topic} ${partition}`);
  });
  const admin = kafka.admin();
  await admin.connect();
  const ended = new Set();
  for (const { topic, partitions } of await admin.fetchOffsets({ groupId: said.group, topics })) {
    for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
      const mine = partitions.find((one) => one.partition === partition)?.offset ?? "-1";
      const next = mine === "-1" ? low : mine;
      if (BigInt(next) >= BigInt(high)) ended.add(`${topic} ${partition}`);
    }
  }
  await admin.disconnect();
  consumer.on(GROUP_JOIN, ({ payload: { memberAssignment } }) => {
    for (const [topic, partitions] of Object.entries(memberAssignment)) {
      for (const partition of partitions) left.add(`${topic} ${partition}`);
    }
    ended.forEach(read);
  });
}

async function main() {
  const kafka = new Kafka({ brokers: said.kafka.split(","), logLevel: logLevel.ERROR });
  const consumer = kafka.consumer({
    groupId: said.group,
    readUncommitted: false, // else records of aborted transactions are read, too
  });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true }); // a new group begins with the oldest that is kept
  const stop = () => consumer.disconnect();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) process.exitCode = 1;
  });
  if (said["until-end"]) await atEnd(kafka, consumer, stop);
  await consumer.run({ eachMessage: print }); // commits after the events of a batch are printed, not before
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
