package demo;

public interface OrderService extends Shop {}
