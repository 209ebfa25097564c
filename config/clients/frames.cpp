// A camera in C++: frames URL SERVICE FILE COUNT, one connection for all frames.
// g++ -O2 frames.cpp -o frames -lcurl (libcurl4-openssl-dev, 7.66 or newer)

#include <curl/curl.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

using Clock = std::chrono::steady_clock;

static size_t append(char* bytes, size_t size, size_t count, void* text) {
  static_cast<std::string*>(text)->append(bytes, size * count);
  return size * count;
}

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  std::ifstream file(argv[3], std::ios::binary);
  const std::string frame{std::istreambuf_iterator<char>(file), {}};
  curl_slist* headers = curl_slist_append(nullptr, (std::string("X-QEdge-Service: ") + argv[2]).c_str());
  headers = curl_slist_append(headers, "X-Client-Id: car-7");
  headers = curl_slist_append(headers, "X-QEdge-Deadline-Ms: 500");
  headers = curl_slist_append(headers, "Expect:");  // A frame does not wait to be asked for.
  CURL* curl = curl_easy_init();
  std::string body;
  curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, frame.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(frame.size()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 500L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  auto quietUntil = Clock::now();
  for (int i = 0; i < std::atoi(argv[4]); i++) {
    if (Clock::now() < quietUntil) {
      std::cout << "skipped" << std::endl;  // What is asked to wait sends nothing, and keeps no frames for later.
      continue;
    }
    body.clear();
    const CURLcode result = curl_easy_perform(curl);
    if (result != CURLE_OK) {
      std::cout << "no answer: " << curl_easy_strerror(result) << std::endl;
      continue;
    }
    long status = 0;
    curl_off_t retryAfterS = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retryAfterS);
    if (status == 503 || status == 429) quietUntil = Clock::now() + std::chrono::seconds(retryAfterS);
    std::cout << status << ' ' << body << std::endl;
  }
  curl_easy_cleanup(curl);
  curl_slist_free_all(headers);
}
