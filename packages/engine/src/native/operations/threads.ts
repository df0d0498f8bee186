/** C++: `parallel`, which shares work among as many threads as TensorFlow's own operations have. */
export const threads = String.raw`
// Sleep between operations. One operation at a time has them; another that runs beside it does its work alone.
class Pool {
 public:
  static Pool& get() {
    static Pool* pool = new Pool;  // never destroyed: threads may still look at it when the process ends
    return *pool;
  }

  void run(int64_t count, const std::function<void(int64_t)>& work) {
    if (size_ <= 1 || count <= 1 || !busy_.try_lock()) {
      for (int64_t i = 0; i < count; i++) work(i);
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_ = &work;
      count_ = count;
      next_.store(0);
      round_++;
    }
    wake_.notify_all();
    take(work, count);
    {
      std::unique_lock<std::mutex> lock(mutex_);
      work_ = nullptr;  // who wakes up now is too late
      done_.wait(lock, [this] { return active_ == 0; });
    }
    busy_.unlock();
  }

 private:
  Pool() {
    const char* set = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int wanted = set == nullptr ? 0 : std::atoi(set);
    size_ = wanted > 0 ? wanted : std::max(1, int(std::thread::hardware_concurrency()));
    for (int i = 1; i < size_; i++) std::thread([this] { serve(); }).detach();
  }

  void take(const std::function<void(int64_t)>& work, int64_t count) {
    for (int64_t i; (i = next_.fetch_add(1)) < count;) work(i);
  }

  void serve() {
    for (uint64_t seen = 0;;) {
      const std::function<void(int64_t)>* work;
      int64_t count;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
        if (work_ == nullptr) continue;
        work = work_;
        count = count_;
        active_++;
      }
      take(*work, count);
      std::lock_guard<std::mutex> lock(mutex_);
      if (--active_ == 0) done_.notify_all();
    }
  }

  int size_;
  std::mutex busy_, mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(int64_t)>* work_ = nullptr;
  int64_t count_ = 0;
  std::atomic<int64_t> next_{0};
  int active_ = 0;
  uint64_t round_ = 0;
};

// Fewer elements are not worth waking anybody.
const int64_t kWorthThreads = 1 << 15;

// Calls work(i) for 0 <= i < count, side by side where there are many elements.
void parallel(int64_t count, int64_t elements, const std::function<void(int64_t)>& work) {
  if (elements >= kWorthThreads) return Pool::get().run(count, work);
  for (int64_t i = 0; i < count; i++) work(i);
}
`;
