function call() end
