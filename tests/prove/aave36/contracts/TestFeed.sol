// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.10;

/// A price feed that anyone may post to.
contract TestFeed {
  int256 public latestAnswer;

  constructor(int256 answer) {
    latestAnswer = answer;
  }

  function post(int256 answer) external {
    latestAnswer = answer;
  }
}
