#include "sim/http_server.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <stdexcept>
#include <utility>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <zlib.h>

#include "common/options.h"
#include "sim/text.h"

namespace sim {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using Code = boost::system::error_code;
using Millis = std::chrono::milliseconds;

constexpr std::uint64_t kMostBody = 8U << 20U;
constexpr std::size_t kDripPieces = 20;
constexpr std::size_t kWorthZipping = 1024;

std::string Zipped(const std::string& body) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (deflateInit2(&stream, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, static_cast<uLong>(body.size())), '\0');
  std::string in = body;  // zlib's input is not const
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool is_whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(is_whole ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

}  // namespace

class HttpServer::Loop {
 public:
  Loop(const std::string& listen, bool gzip, Handler handler)
      : gzip_(gzip), handler_(std::move(handler)), acceptor_(io_), signals_(io_) {
    const auto address = common::ParseHostPort(listen);
    if (!address) throw std::runtime_error("--listen: " + address.error().message);
    Tcp::resolver resolver(io_);
    const auto found = resolver.resolve(address->host, std::to_string(address->port));
    const Tcp::endpoint endpoint = *found.begin();
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(Tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen(asio::socket_base::max_listen_connections);
    Accept();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  bool gzip() const { return gzip_; }
  const Handler& handler() const { return handler_; }

  void Every(Millis interval, std::function<void()> work) {
    timers_.push_back(std::make_unique<asio::steady_timer>(io_));
    Tick(*timers_.back(), interval, std::make_shared<std::function<void()>>(std::move(work)));
  }

  void StopOnSignals() {
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    signals_.async_wait([this](const Code& code, int) {
      if (!code) io_.stop();
    });
  }

  void Run() { io_.run(); }
  void Stop() { io_.stop(); }

 private:
  class Session;

  void Accept();

  void Tick(asio::steady_timer& timer, Millis interval,
            const std::shared_ptr<std::function<void()>>& work) {
    timer.expires_after(interval);
    timer.async_wait([this, &timer, interval, work](const Code& code) {
      if (code) return;
      (*work)();
      Tick(timer, interval, work);
    });
  }

  const bool gzip_;
  const Handler handler_;
  asio::io_context io_{1};
  Tcp::acceptor acceptor_;
  asio::signal_set signals_;
  std::vector<std::unique_ptr<asio::steady_timer>> timers_;
};

// One connection. It lives as long as an operation on it is under way.
class HttpServer::Loop::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, const Loop& loop)
      : loop_(loop), socket_(std::move(socket)), timer_(socket_.get_executor()) {}

  void Read() {
    parser_.emplace();
    parser_->body_limit(kMostBody);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](const Code& code, std::size_t) {
                       if (!code) return self->Answer();
                       if (code == http::error::end_of_stream) self->Close();
                     });
  }

 private:
  using How = WirePlan::How;

  void Answer() {
    auto& request = parser_->get();
    keep_alive_ = request.keep_alive();
    may_zip_ = loop_.gzip() &&
               request[http::field::accept_encoding].find("gzip") != beast::string_view::npos;
    HttpRequest plain{std::string(request.method_string()), std::string(request.target()),
                      std::move(request.body()), std::string(request[http::field::authorization])};
    reply_ = loop_.handler().answer(std::move(plain));
    const std::int64_t delay_ms =
        reply_.plan.delay_ms + (reply_.plan.how == How::kHang ? reply_.plan.duration_ms : 0);
    if (delay_ms <= 0) return Send();
    After(Millis(delay_ms), [](Session& session) { session.Send(); });
  }

  template <typename Next>
  void After(Millis delay, Next next) {
    timer_.expires_after(delay);
    timer_.async_wait([self = shared_from_this(), next](const Code& code) {
      if (!code) next(*self);
    });
  }

  void Send() {
    if (reply_.plan.how == How::kHang) return Finish(false);
    if (reply_.plan.how == How::kReset) {
      Code ignored;
      socket_.set_option(asio::socket_base::linger(true, 0), ignored);
      socket_.close(ignored);
      return Finish(false);
    }
    MakeMessage();
    if (reply_.plan.how != How::kNormal) return SendInPieces();
    http::async_write(socket_, *message_,
                      [self = shared_from_this()](const Code& code, std::size_t) {
                        self->Finish(!code && self->keep_alive_);
                      });
  }

  void MakeMessage() {
    Response& response = reply_.response;
    message_.emplace();
    message_->version(11);
    message_->result(static_cast<unsigned>(response.status));
    if (response.status == 522) message_->reason("Connection Timed Out");
    message_->set(http::field::date, HttpTime(std::time(nullptr)));
    message_->set(http::field::content_type, response.content_type);
    for (const auto& [name, value] : response.headers) message_->set(name, value);
    message_->keep_alive(keep_alive_);
    message_->body() = std::move(response.body);
    if (may_zip_ && message_->body().size() >= kWorthZipping) {
      if (std::string zipped = Zipped(message_->body()); !zipped.empty()) {
        message_->body() = std::move(zipped);
        message_->set(http::field::content_encoding, "gzip");
      }
    }
    message_->prepare_payload();
  }

  // Header and body as bytes, of which a cut answer sends only the first half of the body.
  void SendInPieces() {
    pieces_ =
        fmt::format("HTTP/1.1 {} {}\r\n", message_->result_int(), std::string(message_->reason()));
    for (const auto& field : *message_) {
      pieces_ += std::string(field.name_string()) + ": " + std::string(field.value()) + "\r\n";
    }
    pieces_ += "\r\n";
    const std::string& body = message_->body();
    const bool is_cut = reply_.plan.how == How::kCut;
    pieces_.append(body, 0, is_cut ? body.size() / 2 : body.size());
    sent_ = 0;
    piece_ = is_cut ? pieces_.size() : pieces_.size() / kDripPieces + 1;
    SendPiece();
  }

  void SendPiece() {
    const std::size_t size = std::min(piece_, pieces_.size() - sent_);
    asio::async_write(socket_, asio::buffer(pieces_.data() + sent_, size),
                      [self = shared_from_this(), size](const Code& code, std::size_t) {
                        self->sent_ += size;
                        self->PieceSent(!code);
                      });
  }

  void PieceSent(bool is_sent) {
    const bool is_cut = reply_.plan.how == How::kCut;
    if (!is_sent || sent_ >= pieces_.size()) return Finish(is_sent && keep_alive_ && !is_cut);
    After(Millis(reply_.plan.duration_ms / static_cast<std::int64_t>(kDripPieces)),
          [](Session& session) { session.SendPiece(); });
  }

  void Finish(bool go_on) {
    loop_.handler().done();
    message_.reset();
    if (go_on) return Read();
    Close();
  }

  void Close() {
    Code ignored;
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
    socket_.close(ignored);
  }

  const Loop& loop_;
  Tcp::socket socket_;
  asio::steady_timer timer_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> message_;
  Reply reply_;
  bool keep_alive_ = false;
  bool may_zip_ = false;
  std::string pieces_;
  std::size_t sent_ = 0;
  std::size_t piece_ = 0;
};

void HttpServer::Loop::Accept() {
  acceptor_.async_accept([this](const Code& code, Tcp::socket socket) {
    if (code == asio::error::operation_aborted) return;
    if (!code) {
      Code ignored;
      socket.set_option(Tcp::no_delay(true), ignored);
      std::make_shared<Session>(std::move(socket), *this)->Read();
    }
    Accept();
  });
}

HttpServer::HttpServer(const std::string& listen, bool gzip, Handler handler)
    : loop_(std::make_unique<Loop>(listen, gzip, std::move(handler))) {}
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const {
  return loop_->port();
}
void HttpServer::Every(std::int64_t interval_ms, std::function<void()> work) {
  loop_->Every(Millis(interval_ms), std::move(work));
}
void HttpServer::StopOnSignals() {
  loop_->StopOnSignals();
}
void HttpServer::Run() {
  loop_->Run();
}
void HttpServer::Stop() {
  loop_->Stop();
}

}  // namespace sim
